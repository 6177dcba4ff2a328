"""`data forget`: a person's recordings removed from a folder of one's own, and who still knows."""

from __future__ import annotations

from pathlib import Path

import click

from edge_deploy import labs, recordings
from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, json_option
from edge_deploy.errors import BadInput, UsageError
from edge_deploy.recordings import Forgotten
from edge_deploy.training import checkpoint

# Where `record` puts recordings when nobody says where.
DEFAULT_FOLDER = Path("recordings")
_CARD = "card.md"
# A card is a few pages; what is larger is none.
_CARD_BYTES = 1 << 20
# Named on a terminal before the question; all of them in --json.
_SHOWN_FILES = 10


@click.command()
@click.argument("speaker")
@click.option(
    "--data",
    "--data-dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="FOLDER",
    help=f"The recordings: a lab's data folder, or another  [default: {DEFAULT_FOLDER}]",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
@debug_option
def forget(speaker: str, folder: Path | None, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove all recordings of SPEAKER, and the note that he or she agreed.

    Of a folder that record has written. Nothing outside it is touched. Models that learnt from
    these recordings still do; those that are known to are named.
    """
    folder = folder or DEFAULT_FOLDER
    seen = recordings.forget(folder, speaker, dry_run=True)
    if not dry_run:
        if not yes:
            _ask(seen, folder)
        seen = recordings.forget(folder, speaker)
    knowing, unsure = _models(folder, speaker)
    interrupted = sorted(checkpoint.home().glob(f"*{checkpoint.SUFFIX}"))
    if as_json:
        output.document(
            {
                "speaker": speaker,
                "folder": str(folder),
                "dry_run": dry_run,
                "files": [str(path) for path in seen.files],
                "index_rows": seen.rows,
                "consent": seen.consent,
                "links_left": [str(path) for path in seen.left],
                "models_that_learnt": [str(path) for path in knowing],
                "models_unsure": [str(path) for path in unsure],
                "interrupted_trainings": [str(path) for path in interrupted],
            }
        )
        return
    would = "would be " if dry_run else ""
    output.show(f"{_what(seen)} {would}removed from {folder}.")
    if dry_run:
        for path in seen.files:
            output.show(f"  {path}")
    for path in seen.left:
        output.say(f"{path} is a link to a folder elsewhere; nothing in it was touched.")
    _warn(speaker, knowing, unsure)
    for path in interrupted:
        output.say(
            f"{path} is of an interrupted training, which may have learnt from {speaker} too."
        )
    if interrupted:
        output.say("  edge-deploy train LAB --restart    begins anew, without")


def _ask(seen: Forgotten, folder: Path) -> None:
    """Have a person say yes. Raises UsageError where nobody can, or nobody does."""
    if not output.can_ask():
        raise UsageError(
            f"{_what(seen)} would be removed from {folder} for good: say so with --yes.",
            try_next=["--yes", "--dry-run    what would be removed"],
        )
    for path in seen.files[:_SHOWN_FILES]:
        output.say(f"  {path}")
    if len(seen.files) > _SHOWN_FILES:
        output.say(f"  and {len(seen.files) - _SHOWN_FILES} more")
    if not click.confirm(f"Remove {_what(seen)} from {folder} for good?", err=True):
        raise UsageError("nothing was removed.")


def _what(seen: Forgotten) -> str:
    count = len(seen.files)
    parts = [f"{count:,} recording{'s' * (count != 1)} of {seen.speaker}"]
    if seen.rows:
        parts.append(f"{seen.rows:,} row{'s' * (seen.rows != 1)} of {recordings.INDEX_FILE}")
    if seen.consent:
        parts.append("the consent")
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]


def _models(folder: Path, speaker: str) -> tuple[list[Path], list[Path]]:
    """Models whose cards say that they learnt from a speaker; those whose cards do not say.

    Looked at are the lab that `folder` is the data of, the labs in folders here, and ours.
    """
    homes = [folder.resolve().parent, *sorted(path.parent for path in Path().glob(f"*/{_CARD}"))]
    homes += [lab.folder for lab in labs.load_all()]
    knowing, unsure = [], []
    for home in dict.fromkeys(path.resolve() for path in homes):
        text = _card(home / _CARD)
        if text is None:
            continue
        named = recordings.names_speaker(text, speaker)
        model = _model(home)
        if named:
            knowing.append(model)
        elif named is None and home == folder.resolve().parent:
            unsure.append(model)  # what it learnt from was this folder, and the card is silent
    return knowing, unsure


def _model(home: Path) -> Path:
    """The model of a lab's folder, or the folder where its lab.yaml does not say."""
    try:
        return labs.load_folder(home).model
    except BadInput:
        return home


def _card(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_CARD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _warn(speaker: str, knowing: list[Path], unsure: list[Path]) -> None:
    if knowing:
        output.say(f"These models learnt from {speaker}, and still know what they learnt:")
        for path in knowing:
            output.say(f"  {path}    edge-deploy train {path.parent} makes it anew, without")
        output.say("Copies of them elsewhere, and on boards, are yours to find.")
        return
    for path in unsure:
        output.say(f"{path} may have learnt from {speaker}: its card does not say from whom.")
    output.say(
        f"Models that learnt from {speaker} still know what they learnt: train them again. No card "
        "of a lab here or of ours names one; of others nothing is known."
    )
