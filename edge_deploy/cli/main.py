"""The root command: finds a verb's module when it is called, and ends every run in one place.

Turns every exception into one clear line, what to try, and the exit code of
`verbs.EXIT_CODES`. Click's own handling of aborts and errors is replaced.
"""

from __future__ import annotations

import difflib
import importlib
import os
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
    debug = "--debug" in argv
    try:
        edge_deploy.main(args=list(argv), prog_name="edge-deploy", standalone_mode=False)
        sys.stdout.flush()
        return int(Exit.DONE)
    except EdgeDeployError as error:
        return _fail(error, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return int(Exit.USAGE)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "edge-deploy"
        return _fail(_usage(error.format_message(), f"{command} --help"), debug)
    except click.ClickException as error:
        return _fail(EdgeDeployError(error.format_message()), debug)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        output.say("Interrupted.")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has what it wanted (`| head`): that is a normal end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.DONE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(EdgeDeployError(f"{where}{error.strerror or error}"), debug)
    except Exception as error:  # noqa: BLE001  the last line of defence: never a traceback without --debug
        text = str(error).splitlines()[0] if str(error) else ""
        return _fail(
            EdgeDeployError(
                f"internal error: {type(error).__name__}: {text}",
                try_next=["run the same command with --debug, and report what it prints"],
            ),
            debug,
        )


def _usage(message: str, help_command: str) -> EdgeDeployError:
    from edge_deploy.errors import UsageError

    return UsageError(message, try_next=[help_command])


def _fail(error: EdgeDeployError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    output.error(error)
    return int(error.exit_code)
