"""The features in QEMU, which faults where silicon does: the host's bits."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.features import AudioFeatures
from tests.features import sound
from tests.qemu import machine


@pytest.mark.parametrize("case", ["log_mel", "mfcc", "long", "short"])
@pytest.mark.parametrize("compiler", ["arm-none-eabi-gcc", "zig"])
def test_the_bits_of_the_host(compiler, case, tmp_path):
    machine.needs_qemu()
    settings = sound.SETTINGS[case]
    samples = sound.sounds()["speech_like"][:2_000]
    for_c = sound.for_c(settings)
    words = ", ".join(str(getattr(for_c, name)) for name, _ in for_c._fields_)
    (tmp_path / "case.h").write_text(
        f"#include <stdint.h>\n#define ED_CASE_SETTINGS {{{words}}}\n"
        f"static const int16_t ed_case_samples[] = {{{', '.join(map(str, samples))}}};\n"
    )
    image = machine.program_image(
        machine.toolchain(compiler),
        tmp_path,
        [machine.BARE / "run_features.c", *sound.SOURCES],
        flags=[
            f"-DED_AUDIO_MAX_FFT={settings.fft}",
            f"-DED_AUDIO_MAX_FRAME={settings.frame_samples}",
            f"-DED_AUDIO_MAX_MEL_BINS={settings.mel_bins}",
        ],
    )
    said = machine.run(image)
    assert said.returncode == 0, said.text
    found = np.array([int(line, 16) for line in said.lines], np.uint32)
    wanted = AudioFeatures(settings).clip(samples).ravel()
    assert np.array_equal(found, wanted.view(np.uint32))
