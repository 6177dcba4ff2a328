"""The features of sound, motion, vibration and pictures on a Xtensa core: the host's bits."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy import features
from edge_deploy.features import AudioFeatures
from tests.features import sound
from tests.features.test_windows import IMAGE, MOTION, VIBRATION, any_samples, picture, shaken
from tests.xtensa import machine

ROOM = ("-DED_VIBRATION_MAX_FFT=256",)


@pytest.mark.parametrize("case", ["log_mel", "mfcc", "short"])
def test_sound(case, tmp_path):
    machine.needed()
    settings = sound.SETTINGS[case]
    samples = sound.sounds()["speech_like"][:2_000]
    (tmp_path / "case.h").write_text(
        f"#define ED_CASE_SETTINGS {initializer(sound.for_c(settings))}\n"
        f"static const int16_t ed_case_samples[] = {{{', '.join(map(str, samples))}}};\n"
    )
    flags = [
        f"-DED_AUDIO_MAX_FFT={settings.fft}",
        f"-DED_AUDIO_MAX_FRAME={settings.frame_samples}",
        f"-DED_AUDIO_MAX_MEL_BINS={settings.mel_bins}",
        *ROOM,
    ]
    wanted = AudioFeatures(settings).clip(samples)
    assert np.array_equal(computed(tmp_path, "run_features.c", flags), bits(wanted))


WINDOWS = {
    "motion": (MOTION, any_samples(MOTION), "int16_t"),
    "vibration": (VIBRATION, shaken(VIBRATION.samples), "int16_t"),
    "image": (IMAGE, picture(IMAGE), "uint8_t"),
}


@pytest.mark.parametrize("kind", WINDOWS)
def test_windows(kind, tmp_path):
    machine.needed()
    settings, samples, element = WINDOWS[kind]
    made = features.of(settings)
    (tmp_path / "case.h").write_text(
        f'#include "features/ed_{kind}.h"\n'
        f"#define ED_CASE_SETTINGS {initializer(made._for_c(settings))}\n"
        f"#define ED_CASE_FEATURES {int(np.prod(settings.shape))}u\n"
        f"#define ED_CASE_INIT ed_{kind}_init\n"
        f"#define ED_CASE_WINDOW(made, samples, out) "
        f"ed_{kind}_window(made, samples, {'0, ' if kind == 'vibration' else ''}out)\n"
        f"typedef ed_{kind} ed_case;\ntypedef ed_{kind}_settings ed_case_settings;\n"
        f"static const {element} ed_case_samples[] = "
        f"{{{', '.join(map(str, samples.ravel()))}}};\n"
    )
    found = computed(tmp_path, machine.BARE / "run_window.c", ROOM)
    assert np.array_equal(found, bits(made.window(samples)))


def computed(folder, source, flags):
    """The bits of every float32 that an image prints."""
    program = machine.arm.BARE / source
    image = machine.image(
        folder, [program, machine.arm.BARE / "text.c", *sound.SOURCES], flags=flags
    )
    said = machine.run(image)
    assert said.returncode == 0, said.text[-200:]
    return np.array([int(line, 16) for line in said.lines], np.uint32)


def bits(values):
    return values.ravel().view(np.uint32)


def initializer(structure) -> str:
    """A structure of ctypes in C."""
    values = (getattr(structure, name) for name, _ in structure._fields_)
    words = (
        "{" + ", ".join(map(str, value)) + "}" if hasattr(value, "__len__") else str(value)
        for value in values
    )
    return "{" + ", ".join(words) + "}"
