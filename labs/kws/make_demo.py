"""Makes demo.wav, the words that `make demo` plays: python labs/kws/make_demo.py.

Needs espeak-ng (Debian: apt-get install espeak-ng); demo.wav is committed, so only whoever changes
the words does. A synthesiser speaks them, so the recording is ours to give away.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy import audio

GAP_S = 0.8
PEAK = 0.5  # of full scale

VOICE, PACE, PITCH = "en-gb", 150, 30  # pace in words a minute

# The words that the model knows from human speakers and takes from this voice as well; it does not
# take "down" and "stop" from it.
WORDS = ("yes", "no", "up", "left", "right", "on", "off", "go")


def main() -> None:
    """Speak, and write."""
    gap = np.zeros(round(GAP_S * audio.RATE_HZ), np.int16)
    pieces = [gap]
    for word in WORDS:
        pieces += [speak(word), gap]
    path = Path(__file__).with_name("demo.wav")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.RATE_HZ)
        file.writeframes(np.concatenate(pieces).astype("<i2").tobytes())


def speak(word: str, voice: str = VOICE, pace: int = PACE, pitch: int = PITCH) -> NDArray[np.int16]:
    """One word at 16 kHz, its silent ends cut off, as loud as the others."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SystemExit("espeak-ng is not installed.")
    said = subprocess.run(
        [program, "--stdout", "-v", voice, "-s", str(pace), "-p", str(pitch), word],
        capture_output=True,
        check=True,
    ).stdout
    with wave.open(io.BytesIO(said)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        samples = audio.convert(samples[:, None], from_hz=file.getframerate(), to_hz=audio.RATE_HZ)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 0.01 * np.abs(samples.astype(int)).max())
    samples = samples[loud[0] : loud[-1] + 1]
    scale = PEAK * 32767 / np.abs(samples.astype(int)).max()
    return np.round(samples * scale).astype(np.int16)


if __name__ == "__main__":
    main()
