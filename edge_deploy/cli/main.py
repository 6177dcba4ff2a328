"""The root command: finds a verb's module when it is called, and ends every run in one place.

Turns every exception into one clear line, what to try, and the exit code of
`verbs.EXIT_CODES`. Click's own handling of aborts and errors is replaced.
"""

from __future__ import annotations

import difflib
import importlib
import os
import shlex
import sys
import traceback
from collections.abc import Sequence

import click

from edge_deploy import __version__
from edge_deploy.cli import output
from edge_deploy.cli.verbs import EXIT_CODES, VERBS
from edge_deploy.errors import EdgeDeployError, Exit


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, listed by task."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs' names, in the table's order."""
        return [verb.name for verb in VERBS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a verb, its module imported now; None for another word."""
        for verb in VERBS:
            if verb.name == cmd_name:
                module = importlib.import_module(f"edge_deploy.cli.{verb.module}")
                command: click.Command = getattr(module, verb.function)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; an unknown word is told with the nearest verb."""
        word = args[0]
        if not word.startswith("-") and word not in self.list_commands(ctx):
            near = difflib.get_close_matches(word, self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no such verb: {word}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs by task: from the table, so that `--help` imports no verb's module."""
        for task in dict.fromkeys(verb.task for verb in VERBS):
            with formatter.section(task.capitalize()):
                formatter.write_dl([(v.name, v.summary) for v in VERBS if v.task == task])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in EXIT_CODES])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge-deploy")
@click.pass_context
def edge_deploy(ctx: click.Context) -> None:
    """Put a small neural network on a microcontroller, real or virtual, and measure it.

    \b
    Start here, no hardware needed:
      edge-deploy flash --board nano33 --on virtual hello
    """  # noqa: D301  click takes the escape itself for "keep these lines"
    from edge_deploy.cli.settings import read_settings

    ctx.default_map = read_settings([verb.name for verb in VERBS])


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code (console script)."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run the command line with `argv` (without the program's name); returns the exit code."""
    try:
        edge_deploy.main(args=list(argv), prog_name="edge-deploy", standalone_mode=False)
        sys.stdout.flush()
        return int(Exit.DONE)
    except EdgeDeployError as error:
        return _fail(error, argv)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return int(Exit.USAGE)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "edge-deploy"
        return _fail(_usage(error.format_message(), f"{command} --help"), argv)
    except click.ClickException as error:
        return _fail(EdgeDeployError(error.format_message()), argv)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        output.say(str(error) or "Interrupted.")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has what it wanted (`| head`): that is a normal end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.DONE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(EdgeDeployError(f"{where}{error.strerror or error}"), argv)
    except Exception as error:  # noqa: BLE001  the last line of defence: never a traceback without --debug
        text = str(error).splitlines()[0] if str(error) else ""
        return _fail(
            EdgeDeployError(
                f"internal error: {type(error).__name__}: {text}",
                try_next=["run the same command with --debug, and report what it prints"],
            ),
            argv,
        )


def _usage(message: str, help_command: str) -> EdgeDeployError:
    from edge_deploy.errors import UsageError

    return UsageError(message, try_next=[help_command])


def _fail(error: EdgeDeployError, argv: Sequence[str]) -> int:
    """Print `error`, with a traceback where `--debug` asks for it; returns its exit code."""
    if "--debug" in argv:
        traceback.print_exc()
    error.try_next = tuple(_pasteable(line, argv) for line in error.try_next)
    output.error(error)
    return int(error.exit_code)


# Options that say the same thing in other ways, or that only one of can be meant.
_EITHER = (frozenset({"--on", "-p"}), frozenset({"--mic", "--imu", "--camera"}))


def _pasteable(line: str, argv: Sequence[str]) -> str:
    """A hint that is only options, such as `--on virtual  ...`, as this command with them."""
    options, gap, what = line.partition("  ")
    if not options.startswith("--") or not argv:
        return line
    # Option -> whether a value follows it.
    replaced: dict[str, bool] = {}
    added = options.split()
    for word, following in zip(added, [*added[1:], "--"], strict=True):
        if word.startswith("--"):
            same = next((each for each in _EITHER if word in each), frozenset({word}))
            replaced.update(dict.fromkeys(same, not following.startswith("--")))
    kept: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word in replaced:
            skip = replaced[word]  # its old value goes too
        elif not word.startswith(tuple(f"{each}=" for each in replaced)):
            kept.append(word)
    return f"edge-deploy {shlex.join(kept)} {options}{gap}{what}"
