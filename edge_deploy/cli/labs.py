"""The verb that lists labs, ours and those in folders here, or shows one: labs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge_deploy import labs as lab_files
from edge_deploy import recordings
from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, json_option
from edge_deploy.errors import BadInput
from edge_deploy.labs import Lab
from edge_deploy.sensing import SourceSettings

_OWN = "data"


@click.command()
@click.argument("lab_word", metavar="[LAB]", required=False)
@json_option
@debug_option
def labs(lab_word: str | None, as_json: bool) -> None:
    """List the labs: those that come with edge-deploy, and those in folders here.

    Or show LAB, one of them: what it senses, its budgets, and what was recorded for it.
    """
    if lab_word is not None:
        _show_one(lab_files.load(lab_word), as_json=as_json)
        return
    known = {lab.name: lab for lab in lab_files.load_all()}
    ours = {lab.folder.resolve() for lab in known.values()}
    known |= {word: lab for word, lab in _here().items() if lab.folder.resolve() not in ours}
    if as_json:
        rows = [{"name": word, "title": lab.title} for word, lab in known.items()]
        output.document({"labs": rows})
        return
    output.table(["lab", "what it is"], [[word, lab.title] for word, lab in known.items()])


def _here() -> dict[str, Lab]:
    """The labs in folders of this one, by the word that means them; a damaged one is told."""
    found = {}
    for path in sorted(Path().glob(f"*/{lab_files.FILE}")):
        try:
            lab = lab_files.load_folder(path.parent)
        except BadInput as error:
            output.say(error.message)
            continue
        found[f"./{path.parent.name}"] = lab
    return found


def _show_one(lab: Lab, *, as_json: bool) -> None:
    counted = _counted(lab)
    if as_json:
        output.document(_as_json(lab, counted))
        return
    output.show(lab.title)
    trained = f"{lab.model.stat().st_size:,} B" if lab.model.is_file() else "not trained yet"
    for name, text in (
        ("folder", str(lab.folder)),
        ("source", _source(lab.source)),
        ("labels", ", ".join(lab.labels) or "none"),
        ("model", f"{lab.model} ({trained})"),
    ):
        output.show(f"{name:>8}  {text}")
    if lab.budgets:
        resources = [
            each for each in lab_files.BUDGETS if any(each in b for b in lab.budgets.values())
        ]
        output.table(
            ["budget", *resources],
            [
                [board, *(f"{limits[each]:,g}" if each in limits else "-" for each in resources)]
                for board, limits in lab.budgets.items()
            ],
        )
    if counted is not None:
        output.table(
            ["recorded", "clips", "speakers", "sessions"],
            [[label, *(f"{count:,}" for count in row)] for label, row in counted.items()],
        )


def _counted(lab: Lab) -> dict[str, tuple[int, int, int]] | None:
    """Clips, persons and sessions of each label beside the lab; None where nothing can be."""
    folder = lab.folder / _OWN
    if not folder.is_dir():
        return None
    clips = recordings.clips(folder)
    rows = {}
    for label in dict.fromkeys([*lab.labels, *(clip.label for clip in clips)]):
        some = [clip for clip in clips if clip.label == label]
        persons = {clip.speaker for clip in some} - {recordings.NOBODY}
        rows[label] = len(some), len(persons), len({(c.speaker, c.session) for c in some})
    return rows


def _source(source: SourceSettings) -> str:
    """Where inputs come from, in words."""
    if source.kind == "microphone":
        return f"microphone, {source.sample_rate_hz:,} Hz"
    if source.kind == "imu":
        return f"IMU, {source.axes} axes, {source.sample_rate_hz:,} Hz"
    if source.kind == "camera":
        return f"camera, {source.width} x {source.height}, every {source.period_ms:,} ms"
    return source.kind


def _as_json(lab: Lab, counted: dict[str, tuple[int, int, int]] | None) -> dict[str, Any]:
    return {
        "name": lab.name,
        "title": lab.title,
        "folder": str(lab.folder),
        "source": lab.source.kind,
        "labels": list(lab.labels),
        "model": str(lab.model),
        "trained": lab.model.is_file(),
        "budgets": {board: dict(limits) for board, limits in lab.budgets.items()},
        "recordings": None
        if counted is None
        else {
            label: dict(zip(("clips", "speakers", "sessions"), row, strict=True))
            for label, row in counted.items()
        },
    }
