"""Real recordings: close to double precision, and the bits of a Cortex-M4.

They are looked for in EDGE_DEPLOY_TEST_DATA or `../shared`, and the tests skipped without them.
"""

from __future__ import annotations

import io
import os
import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest

from edge_deploy.features import AudioFeatures
from tests.features import sound
from tests.features.test_reference import FLOOR, energies

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("EDGE_DEPLOY_TEST_DATA", ROOT.parent / "shared")) / "data"
CLIPS = 200

# All bins of 1,000 recordings were within 8.4e-4.
TOLERANCE = 2e-3


@pytest.fixture(scope="module")
def recordings():
    archive = DATA / "speech_commands.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no {archive.name} (EDGE_DEPLOY_TEST_DATA, {DATA})")
    found = []
    with tarfile.open(archive) as file:
        for entry in file:
            if not entry.name.endswith(".wav"):
                continue
            with wave.open(io.BytesIO(file.extractfile(entry).read())) as clip:
                samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
            if samples.size >= sound.LOG_MEL.frame_samples:
                found.append(samples.astype(np.int16))
            if len(found) == CLIPS:
                break
    return found


def test_close_to_double_precision(recordings):
    features = AudioFeatures(sound.LOG_MEL)
    assert len(recordings) == CLIPS
    for samples in recordings:
        wanted = np.log(energies(samples, sound.LOG_MEL) + FLOOR)
        assert np.abs(features.clip(samples) - wanted).max() <= TOLERANCE


@pytest.mark.parametrize("toolchain", ["arm-none-eabi-gcc", "zig"])
def test_the_bits_of_a_cortex_m4(recordings, toolchain):
    pytest.importorskip("unicorn", reason="the virtual extra is not installed")
    from tests.features import m4

    features = AudioFeatures(sound.LOG_MEL)
    for samples in recordings[::20]:
        found = m4.run(m4.build(toolchain, (512, 40)), sound.LOG_MEL, samples).features
        assert np.array_equal(found.view(np.uint32), features.clip(samples).view(np.uint32))
