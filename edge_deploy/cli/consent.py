"""Whether a person agrees to be recorded: known, asked, said in the command, or refused."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edge_deploy import recordings
from edge_deploy.cli import output
from edge_deploy.errors import UsageError

# What is recorded, in words that a person who has never seen such a board understands.
_WHAT = {
    "microphone": "the sound near the board during each take: words can be understood, and a "
    "speaker recognised",
    "imu": "how the board is moved during each take: people move in their own way",
    "camera": "a grey picture of all that is in view at each take: a face can be recognised",
}


def statement(sensor: str, speaker: str) -> str:
    """What a person agrees to, as consent.csv keeps it; begins with the sensor."""
    return (
        f"{sensor}: {_WHAT[sensor]}. It stays in this folder as files, and is sent nowhere. Models "
        "that are trained on it keep something of it, and so may whoever is given the folder. "
        f"edge-deploy data forget {speaker} removes the files at any time."
    )


def ensure(folder: Path, speaker: str, sensor: str, *, said: bool) -> None:
    """Note the consent of a speaker unless it is noted already for this sensor.

    said: the command says that it is given. Raises UsageError where nobody says so, BadInput
    where consent.csv is damaged, and what `give_consent` raises.
    """
    agreed = [each for each in recordings.consents(folder) if each.speaker == speaker]
    if any(each.statement.startswith(f"{sensor}: ") for each in agreed):
        return
    text = statement(sensor, speaker)
    where = f"--data {shlex.quote(str(folder))}"
    if not said:
        if not output.can_ask():
            raise UsageError(
                f"{speaker} has not agreed to be recorded ({_WHAT[sensor]}).",
                try_next=[
                    f"--consent    {speaker} was told, and agrees; it stays in {folder.resolve()}",
                    f"edge-deploy data forget {speaker} {where}    removes it at any time",
                    "edge-deploy record ... --no-person    of a machine, an empty room",
                ],
            )
        output.say(f"{speaker} has not been recorded with this sensor before. What is recorded:")
        output.say(f"  {_WHAT[sensor]}.")
        output.say(f"It stays in {folder.resolve()} on this computer, and is sent nowhere.")
        output.say("Models that are trained on it keep something of it.")
        output.say(f"  edge-deploy data forget {speaker} {where}    removes the files at any time")
        if not click.confirm(f"Does {speaker} agree to be recorded?", err=True):
            raise UsageError(f"{speaker} does not agree; nothing was recorded.")
    recordings.give_consent(folder, speaker, text)
