"""What the firmware is told of its board and lab, read back through a C compiler."""

from __future__ import annotations

import struct

import pytest

from edge_deploy import places, process, toolchains
from edge_deploy.build import config
from edge_deploy.errors import UsageError
from edge_deploy.sensing import AudioFeatureSettings, DecisionSettings, SourceSettings

READER = """\
#include "app/ed_source.h"
#include <stdio.h>
int main(void)
{
    static const char *const labels[] = ED_APP_LABEL_TEXTS;
    printf("%s|%s|%s|%lu|%d\\n", ED_APP_BOARD, ED_APP_VARIANT, ED_APP_PORT,
           (unsigned long)ED_APP_CLOCK_HZ, ED_APP_SOURCE);
    for (int i = 0; i < ED_APP_LABELS; ++i) {
        printf("%s\\n", labels[i]);
    }
#ifdef ED_APP_RAMP_STEPS
    printf("%a %a %lu %lu\\n", (double)ED_APP_RAMP_FROM, (double)ED_APP_RAMP_TO,
           (unsigned long)ED_APP_RAMP_STEPS, (unsigned long)ED_APP_RAMP_PERIOD_US);
#endif
    return labels[0] == 0;
}
"""


def read_back(text: str, folder) -> list[str]:
    (folder / config.FILE).write_text(text)
    (folder / "r.c").write_text(READER)
    compiler = toolchains.find(toolchains.HOST)
    made = compiler.compile_and_link(
        [folder / "r.c"], folder / "r.exe", include=[folder, places.shipped("firmware", "src")]
    )
    done = process.run([str(made)], timeout_s=60)
    assert done.returncode == 0
    return done.stdout.decode("ascii").splitlines()


def test_the_board_and_no_labels(nano33, tmp_path):
    text = config.emit(nano33, "virtual_m4", (), SourceSettings())
    assert read_back(text, tmp_path) == ["nano33|virtual|virtual_m4|64000000|0"]


def test_labels_reach_the_wire_escaped(nano33, tmp_path):
    labels = ("yes", 'a "b"\\', "50 %", "*/ \n#error", "größer", "??/", "")
    lines = read_back(config.emit(nano33, "host", labels, SourceSettings()), tmp_path)
    assert lines[0] == "nano33|local|host|64000000|0"
    assert lines[1:] == [
        "yes",
        'a=20"b"\\',
        "50=20=25",
        "=2A/=20=0A#error",
        "gr=C3=B6=C3=9Fer",
        "??/",
        "=00",
    ]


def test_the_ramp_is_exact(nano33, tmp_path):
    ramp = SourceSettings(kind="ramp", from_=0.1, to=6.2831853, steps=100, period_ms=20)
    lines = read_back(config.emit(nano33, "host", ("sin",), ramp), tmp_path)
    assert lines[0].endswith("|1")
    start, end, steps, period_us = lines[2].split()
    for got, wanted in ((start, 0.1), (end, 6.2831853)):
        assert float.fromhex(got) == struct.unpack("<f", struct.pack("<f", wanted))[0]
    assert (steps, period_us) == ("100", "20000")


def test_an_unknown_source_is_refused(nano33):
    with pytest.raises(UsageError, match="telepathy"):
        config.emit(nano33, "host", (), SourceSettings(kind="telepathy"))


def test_a_microphone_needs_features_and_a_decision(nano33):
    with pytest.raises(UsageError, match="features and decision"):
        config.emit(nano33, "host", (), SourceSettings(kind="microphone"))


def test_listening_is_told_in_samples_and_hops(nano33):
    features = AudioFeatureSettings("mfcc", 16_000, 480, 320, 512, 40, 10, 20.0, 7600.0, 49)
    decision = DecisionSettings(0.7, 3, 1001, ("silence",))
    source = SourceSettings(kind="microphone", sample_rate_hz=16_000, stride_ms=200)
    text = config.emit(nano33, "host", ("silence", "yes"), source, features, decision)
    lines = [line.split(" ", 2) for line in text.splitlines()]
    found = {words[1]: words[2] for words in lines if len(words) == 3}
    assert found["ED_APP_SOURCE"] == "ED_SOURCE_MICROPHONE"
    assert found["ED_APP_STRIDE"] == "10u"
    assert found["ED_APP_AUDIO_BINS"] == "10"
    assert found["ED_APP_AUDIO_FRAMES"] == "49"
    assert found["ED_APP_DECISION_HOLD_OFF"] == "51u"  # not shorter than it was asked for
    assert found["ED_APP_DECISION_IGNORED"] == "{ 1, 0 }"
    threshold = float.fromhex(found["ED_APP_DECISION_THRESHOLD"].removesuffix("f"))
    assert threshold == struct.unpack("<f", struct.pack("<f", 0.7))[0]
