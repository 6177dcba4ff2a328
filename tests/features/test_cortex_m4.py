"""On an emulated Cortex-M4, by both of its compilers: the host's bits, and at what price."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("unicorn", reason="the virtual extra is not installed")
from elftools.elf.elffile import ELFFile

from edge_deploy.features import AudioFeatures
from tests.features import m4, sound

SCALE, ZERO_POINT = 0.09, 31
# Of docs/features.md, with some room for another compiler; cycles with zero wait states.
CYCLES_MOST = {"log_mel": 55_000, "mfcc": 62_000}
STACK_BYTES_MOST = 512
STRUCTURE_BYTES = 7_588  # room for an FFT of 512 and 40 mel bins


@pytest.mark.parametrize("case", sorted(sound.SETTINGS))
@pytest.mark.parametrize("toolchain", m4.TOOLCHAINS)
def test_the_bits_of_the_host(toolchain, case):
    settings = sound.SETTINGS[case]
    features = AudioFeatures(settings)
    for kind, samples in sound.sounds(2_000).items():
        wanted = features.clip(samples)
        found = m4.run(m4.build(toolchain), settings, samples, scale=SCALE, zero_point=ZERO_POINT)
        assert found.features.shape == wanted.shape
        assert np.array_equal(found.features.view(np.uint32), wanted.view(np.uint32)), kind
        quantized = features.quantize(wanted, SCALE, ZERO_POINT)
        assert np.array_equal(found.quantized, quantized.ravel()), kind


@pytest.mark.parametrize("settings", [sound.LOG_MEL, sound.MFCC], ids=lambda s: s.kind)
@pytest.mark.parametrize("toolchain", m4.TOOLCHAINS)
def test_what_a_frame_costs(toolchain, settings):
    found = m4.run(m4.build(toolchain, (512, 40)), settings, sound.sounds(2_000)["noise"])
    assert max(found.cycles) <= CYCLES_MOST[settings.kind]
    # It takes as long whatever is heard: there is no branch on a sample.
    silent = m4.run(m4.build(toolchain, (512, 40)), settings, np.zeros(2_000, np.int16))
    assert silent.cycles == found.cycles
    # Next to nothing is read from flash, whose wait states would add to that.
    assert max(found.cycles_clock) <= 1.03 * max(found.cycles)
    assert found.structure_bytes == STRUCTURE_BYTES
    assert found.stack_bytes <= STACK_BYTES_MOST


@pytest.mark.parametrize("toolchain", m4.TOOLCHAINS)
def test_there_is_no_library_arithmetic(toolchain):
    """Neither double arithmetic nor libm: the compiler's own routines would be linked in."""
    with m4.build(toolchain).open("rb") as file:
        names = {s.name for s in ELFFile(file).get_section_by_name(".symtab").iter_symbols()}
    assert "ed_audio_frame" in names
    assert not [name for name in names if name.startswith("__") and "unwind" not in name]
