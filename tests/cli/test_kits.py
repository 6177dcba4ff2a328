"""`boards NAME` as it is typed: the facts of a board, its parts, and where its page is."""

from __future__ import annotations

import json
import re

from edge_deploy import places
from edge_deploy.errors import Exit
from tests.cli.test_spine import typed


def test_a_board_is_shown_with_its_parts(capfd):
    code, out, err = typed(capfd, "boards", "nano33")
    assert code == Exit.DONE, err
    assert re.search(r"^ ?imu +LSM9DS1 +ble, sense +i2c 0x6b", out, flags=re.MULTILINE)
    assert "press the reset button twice, quickly" in out
    assert str(places.shipped("kits", "nano33", "README.md")) in out


def test_a_board_as_json_has_its_kit(capfd):
    code, out, _ = typed(capfd, "boards", "xiao_esp32s3", "--json")
    assert code == Exit.DONE
    kit = json.loads(out)["kit"]
    assert {"kind": "imu", "address": 0x6A}.items() <= kit["parts"][6].items()
    assert [each["check"] for each in kit["selftest"]][:2] == ["memory", "cycle_counter"]
    code, out, _ = typed(capfd, "boards", "pi", "--json")
    assert code == Exit.DONE
    assert json.loads(out)["kit"] is None
