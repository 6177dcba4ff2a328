"""The same bits everywhere: host compilers at every level, both Cortex-M4 compilers, emulated."""

from __future__ import annotations

import dataclasses
import shutil
import struct
import subprocess

import numpy as np
import pytest

from edge_deploy.features import AudioFeatures
from tests.features import sound
from tests.firmware import building

SCALE, ZERO_POINT = 0.1, -3
CASES = sorted(sound.SETTINGS)
# FMA must not be used even where the machine has it; -O3 vectorises; -O0 does nothing.
LEVELS = (("-O0",), ("-O2",), ("-O3", "-march=native"), ("-Os",))


FLUSH = """
#include <xmmintrin.h>
__attribute__((constructor)) static void begin(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ and DAZ */
}
"""


def expected(settings, samples):
    """Features and their int8, by the library that Python uses."""
    features = AudioFeatures(settings)
    found = features.clip(samples)
    return found.tobytes() + features.quantize(found, SCALE, ZERO_POINT).tobytes()


def order(settings, samples):
    """What run_features.c reads."""
    head = struct.pack("<Ifi", samples.size, SCALE, ZERO_POINT)
    return bytes(sound.for_c(settings)) + head + samples.tobytes()


def room(settings):
    """Exactly as much as the settings need."""
    return (
        f"-DED_AUDIO_MAX_FFT={settings.fft}",
        f"-DED_AUDIO_MAX_FRAME={settings.frame_samples}",
        f"-DED_AUDIO_MAX_MEL_BINS={settings.mel_bins}",
    )


def built(compiler, folder, *flags):
    sources = [building.TESTS / "run_features.c", *sound.SOURCES]
    return building.compile_c(
        [compiler], sources, folder / "features", flags=(*flags, "-Wdouble-promotion")
    )


def piped(program, settings, samples):
    done = subprocess.run(
        [program], input=order(settings, samples), capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.mark.parametrize("level", LEVELS, ids=" ".join)
@pytest.mark.parametrize("compiler", building.host_compilers())
def test_host_compilers_agree(compiler, level, tmp_path):
    room_for_all = ("-DED_AUDIO_MAX_FFT=1024", "-DED_AUDIO_MAX_MEL_BINS=64")
    program = built(compiler, tmp_path, *level, *room_for_all)
    for case, settings in sound.SETTINGS.items():
        for kind, samples in sound.sounds(4_000).items():
            assert piped(program, settings, samples) == expected(settings, samples), (case, kind)


@pytest.mark.parametrize("case", CASES)
def test_sanitizers_find_nothing(case, host_compiler, tmp_path):
    settings = sound.SETTINGS[case]
    program = built(host_compiler, tmp_path, *building.SANITIZERS, *room(settings))
    for kind, samples in sound.sounds(2_000).items():
        assert piped(program, settings, samples) == expected(settings, samples), kind
    nothing = np.zeros(settings.frame_samples - 1, np.int16)
    assert piped(program, settings, nothing) == b""


@pytest.mark.parametrize("what", ["fft", "mel_bins", "frame_samples"])
def test_settings_beyond_the_room_are_refused(what, host_compiler, tmp_path):
    settings = sound.LOG_MEL
    program = built(host_compiler, tmp_path, *building.SANITIZERS, *room(settings))
    larger = {"fft": 1_024, "mel_bins": 41, "frame_samples": 481}[what]
    settings = dataclasses.replace(settings, **{what: larger})
    AudioFeatures(settings)  # fine where there is room
    done = subprocess.run(
        [program], input=order(settings, np.zeros(1_000, np.int16)), timeout=60, check=False
    )
    assert done.returncode == 2


def test_zig_builds_the_same_library(tmp_path, monkeypatch):
    pytest.importorskip("ziglang", reason="the virtual extra is not installed")
    from edge_deploy.features import library

    wanted = {
        case: [expected(settings, samples) for samples in sound.sounds().values()]
        for case, settings in sound.SETTINGS.items()
    }
    monkeypatch.setenv("EDGE_DEPLOY_TOOLCHAIN", "zig")
    zig = library.bind(library.build(tmp_path))
    monkeypatch.setattr(library, "load", lambda: zig)
    for case, settings in sound.SETTINGS.items():
        found = [expected(settings, samples) for samples in sound.sounds().values()]
        assert found == wanted[case], case


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_flush_to_zero_changes_nothing(tmp_path):
    """Libraries built with -ffast-math turn subnormal numbers off for the whole process."""
    (tmp_path / "daz.c").write_text(FLUSH)
    probe = subprocess.run(
        ["gcc", "-c", tmp_path / "daz.c", "-o", tmp_path / "daz.o"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    if probe.returncode != 0:
        pytest.skip("not an x86")
    program = built("gcc", tmp_path, "-O2", "-DED_AUDIO_MAX_FFT=1024",
                    "-DED_AUDIO_MAX_MEL_BINS=64", str(tmp_path / "daz.o"))  # fmt: skip
    for case, settings in sound.SETTINGS.items():
        for kind, samples in sound.sounds(4_000).items():
            assert piped(program, settings, samples) == expected(settings, samples), (case, kind)
