"""Words of --fault."""

from __future__ import annotations

import pytest

from edge_deploy.devices.virtual.faults import Faults, LineNoise, TimedFault, parse
from edge_deploy.errors import Exit, UsageError


def test_words():
    found = parse(["drop=0.01", "garble=1e-3", "slow=4", "wrong-firmware", "unplug@5s", "hang@2s"])
    assert found == Faults(
        drop=0.01,
        garble=0.001,
        slow=4.0,
        wrong_firmware=True,
        timed=(TimedFault("hang", 2.0), TimedFault("unplug", 5.0)),
    )
    assert parse(["brownout@.5", "brownout@3s"]).timed == (
        TimedFault("brownout", 0.5),
        TimedFault("brownout", 3.0),
    )


def test_no_words_are_no_faults():
    assert parse([]) == Faults()
    assert not parse([]).noisy


@pytest.mark.parametrize(
    "word",
    [
        "", "drop", "drop=", "drop=x", "drop=2", "drop=-0.1", "drop=nan", "slow=0.5", "slow=inf",
        "unplug", "unplug@", "unplug@-1s", "unplug@5m", "unplug@1e3s", "boil@3s", "slow@3s",
        "wrong-firmware=1", "DROP=0.1", "hang@2 s", "hang@\u0662s",
    ],
)  # fmt: skip
def test_other_words_are_named(word):
    with pytest.raises(UsageError) as caught:
        parse([word])
    assert repr(word) in caught.value.message
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.try_next


def test_noise_depends_on_the_seed_and_not_on_how_bytes_come():
    data = bytes(range(256)) * 8
    faults = parse(["drop=0.1", "garble=0.1"])
    whole = LineNoise(faults, "a").apply(data)
    bits = LineNoise(faults, "a")
    assert b"".join(bits.apply(data[at : at + 5]) for at in range(0, len(data), 5)) == whole
    assert LineNoise(faults, "b").apply(data) != whole


def test_extremes():
    data = bytes(100)
    assert LineNoise(parse([]), "a").apply(data) == data
    assert LineNoise(parse(["drop=1"]), "a").apply(data) == b""
    garbled = LineNoise(parse(["garble=1"]), "a").apply(data)
    assert all(byte & (byte - 1) == 0 and byte for byte in garbled)
