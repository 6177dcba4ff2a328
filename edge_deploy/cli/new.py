"""The verb that makes a lab of one's own: new."""

from __future__ import annotations

import re
import shlex
import shutil
import string
import tempfile
from pathlib import Path

import click

from edge_deploy import labs, places, recordings
from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, json_option
from edge_deploy.errors import EdgeDeployError, UsageError

_SENSORS = {"mic": "mic", "imu": "imu", "vibration": "imu", "camera": "camera"}
# What `record` takes to try each sensor on a virtual board.
_SCENES = {"mic": "--mic FOLDER", "imu": "--imu FOLDER", "camera": "--camera FOLDER"}
_SUFFIXES = {"mic": "wav", "imu": "csv", "camera": "png"}
_DEFAULT_LABELS = {
    "mic": ("yes", "no", "noise"),
    "imu": ("circle", "wave", "rest"),
    "vibration": ("off", "on"),
    "camera": ("paper", "rock", "nothing"),
}
_TITLES = {
    "mic": "tells {} apart, live from a microphone",
    "imu": "tells {} apart, by an IMU in the hand",
    "vibration": "tells {} apart, by how the machine shakes",
    "camera": "tells {} apart, by a small camera",
}
# Labels of what is no event of its own: a decision does not wait for them.
_IGNORED = ("background", "noise", "nothing", "other", "rest", "silence", "unknown")

# A name is a folder, a word of commands, and part of files' names.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LABELS_MOST = 50


@click.command()
@click.argument("name")
@click.option(
    "--sensor",
    type=click.Choice(list(_SENSORS)),
    default="mic",
    show_default=True,
    help="What it senses with.",
)
@click.option(
    "--labels",
    metavar="A,B,C",
    default=None,
    help="What it tells apart, with commas  [default: an example]",
)
@click.option(
    "-o",
    "--output",
    "parent",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="FOLDER",
    help="Make it in there  [default: here]",
)
@json_option
@debug_option
def new(name: str, sensor: str, labels: str | None, parent: Path | None, as_json: bool) -> None:
    """Make a lab of your own: a folder NAME that every verb takes.

    It has a recipe, a network and budgets that work; what is missing are your recordings.

    \b
      edge-deploy new doorbell --labels ring,knock,noise
      edge-deploy record --board nano33 --lab ./doorbell --label ring
      edge-deploy train ./doorbell
    """  # noqa: D301  click takes the escape itself for "keep these lines"
    _check_name(name)
    chosen = _labels(labels) if labels is not None else _DEFAULT_LABELS[sensor]
    folder = (parent or Path()) / name
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} is there already; a new lab takes a new name.")
    path = _typed(folder)
    words = _words(name, sensor, chosen, path)
    made = _make(folder, sensor, words)
    if as_json:
        output.document(
            {
                "lab": name,
                "folder": str(folder),
                "sensor": sensor,
                "labels": list(chosen),
                "files": [str(folder / each) for each in made],
            }
        )
        return
    output.show(f"{folder} is a lab. What to do next:")
    output.show(f"  {words['record'].removeprefix('$ ')}")
    output.show("      for each label; three runs at least, better five people")
    output.show(f"  edge-deploy train {path}")
    output.show(f"  edge-deploy flash {path} --board nano33 --on virtual")
    output.show(f"Its recipe and network are in {folder / 'recipe.py'}: change them.")


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{ascii(name)[:60]} is no name for a lab: a lower-case letter, then up to 31 of them, "
            "digits, - and _."
        )
    recordings.checked_label(name)  # nor one that no folder may have on Windows
    shipped = [each.name for each in labs.load_all()]
    if name in shipped:
        raise UsageError(
            f"{name} is one of ours, so the word would mean that one; take another name.",
            try_next=[f"edge-deploy new my{name}"],
        )


def _labels(text: str) -> tuple[str, ...]:
    """The labels, each of them a possible folder of recordings. Raises UsageError."""
    found = tuple(each.strip() for each in text.split(","))
    for label in found:
        if not label:
            raise UsageError("--labels has an empty label.", try_next=["--labels yes,no"])
        recordings.checked_label(label)
    seen: dict[str, str] = {}
    for label in found:
        if label.lower() in seen:
            raise UsageError(f"--labels has {seen[label.lower()]} and {label}: the same folder.")
        seen[label.lower()] = label
    if not 2 <= len(found) <= _LABELS_MOST:
        raise UsageError(
            f"--labels has {len(found)} label{'s' * (len(found) != 1)}; "
            f"2 to {_LABELS_MOST} can be told apart.",
            try_next=[f"--labels {found[0]},other"],
        )
    return found


def _typed(folder: Path) -> str:
    """The folder as a word that means it, and no lab of ours, wherever it is typed."""
    plain = folder.as_posix()
    return shlex.quote(plain if "/" in plain else f"./{plain}")


def _words(name: str, sensor: str, labels: tuple[str, ...], path: str) -> dict[str, str]:
    """What the templates' places are filled with."""
    kind = _SENSORS[sensor]
    listed = ", ".join(labels)
    record = f"$ edge-deploy record --board nano33 --lab {path} --label {shlex.quote(labels[0])}"
    return {
        "name": name,
        "title": f"{name.capitalize()}: {_TITLES[sensor].format(listed)}",
        # JSON's strings are YAML's: yes, no, on and off would be something else without quotes.
        "labels": ", ".join(f'"{each}"' for each in labels),
        "ignored": ", ".join(f'"{each}"' for each in labels if each.strip("_") in _IGNORED),
        "shown": ", ".join(f"`{each}`" for each in labels),
        "suffix": _SUFFIXES[kind],
        "path": path,
        "record": record,
        "record_command": f"{record}\n{record} --on virtual {_SCENES[kind]} --no-person",
    }


def _make(folder: Path, sensor: str, words: dict[str, str]) -> list[str]:
    """Write the lab beside its place, hold it to what labs must be, and put it there."""
    templates = places.shipped("labs", "templates")
    files = {
        "lab.yaml": _filled(templates / sensor / "lab.yaml.in", words),
        "recipe.py": (templates / sensor / "recipe.py").read_text(encoding="utf-8"),
        "handout.md": _filled(templates / "handout.md.in", words),
        "data/README.md": _filled(templates / "data.md.in", words),
        ".gitignore": (templates / "gitignore.in").read_text(encoding="utf-8"),
    }
    part: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, text in files.items():
            path = part / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        labs.load_folder(part)
        part.chmod(0o755)  # mkdtemp makes it the owner's alone
        part.rename(folder)
    except OSError as error:
        raise EdgeDeployError(f"{folder}: cannot be written: {error.strerror or error}.") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
    return sorted(files)


def _filled(path: Path, words: dict[str, str]) -> str:
    return string.Template(path.read_text(encoding="utf-8")).substitute(words)
