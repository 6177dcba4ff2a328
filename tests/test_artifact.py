"""Artifacts on disk: written whole, read with suspicion."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest

from edge_deploy import artifact
from edge_deploy.artifact import Manifest, Part
from edge_deploy.errors import BadInput, BuildFailed, Exit

IMAGE = b"\x00\x20\x00\x20 an image"


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        model_name="sine",
        model_sha256="ab" * 32,
        board="nano33",
        port="virtual_m4",
        engine="edge-deploy-0.1.0/cortex_m4",
        target="cortex_m4",
        toolchain="zig 0.17.1",
        flash_bytes=len(IMAGE),
        ram_bytes=4096,
        code_bytes=9,
        model_code_bytes=4,
        weights_bytes=5,
        arena_bytes=64,
        stack_reserved_bytes=2048,
        image_sha256=hashlib.sha256(IMAGE).hexdigest(),
        load_address=0x10000,
        tool_version="0.1.0",
        image="firmware.bin",
        elf="firmware.elf",
    )


@pytest.fixture
def folder(tmp_path, manifest):
    (tmp_path / "firmware.bin").write_bytes(IMAGE)
    (tmp_path / "firmware.elf").write_bytes(b"\x7fELF")
    artifact.write(tmp_path, manifest)
    return tmp_path


def test_what_was_written_is_read(folder, manifest):
    found = artifact.read(folder)
    assert found.manifest == manifest
    assert found.image == folder / "firmware.bin"
    assert found.elf == folder / "firmware.elf"


def test_parts_beside_the_image(folder, manifest):
    assert "parts" not in manifest.as_json()  # as manifests were before
    (folder / "bootloader.bin").write_bytes(b"boot")
    with_parts = dataclasses.replace(manifest, parts=(Part("bootloader.bin", 0),))
    found = artifact.write(folder, with_parts)
    assert found.manifest == with_parts
    assert found.pieces == ((0, folder / "bootloader.bin"), (0x10000, folder / "firmware.bin"))
    (folder / "bootloader.bin").unlink()
    with pytest.raises(BadInput, match=r"bootloader\.bin is missing"):
        artifact.read(folder)


@pytest.mark.parametrize(
    "parts",
    [
        "bootloader.bin",
        ["bootloader.bin"],
        [{"file": "bootloader.bin"}],
        [{"file": "../bootloader.bin", "offset": 0}],
        [{"file": "bootloader.bin", "offset": -4096}],
        [{"file": "bootloader.bin", "offset": True}],
    ],
)
def test_parts_that_are_none(folder, parts):
    change(folder, lambda values: values.update(parts=parts))
    with pytest.raises(BadInput, match="'parts' is not a list of file names with offsets"):
        artifact.read(folder)


def test_sizes_may_be_unknown(folder, manifest):
    unknown = dataclasses.replace(manifest, flash_bytes=None, ram_bytes=None, code_bytes=None)
    assert artifact.write(folder, unknown).manifest.flash_bytes is None


def test_writing_leaves_nothing_else(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"firmware.bin", "firmware.elf", artifact.MANIFEST_FILE}


def test_a_changed_image_is_refused(folder):
    (folder / "firmware.bin").write_bytes(IMAGE[:-1] + b"!")
    with pytest.raises(BadInput, match="has sha256") as raised:
        artifact.read(folder)
    assert raised.value.exit_code == Exit.BAD_INPUT


@pytest.mark.parametrize("name", ["firmware.bin", "firmware.elf", artifact.MANIFEST_FILE])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BadInput, match=name):
        artifact.read(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[1, 2]", "no JSON object"),
        ("[" * 50_000, "not JSON"),
        ("{}", "schema_version"),
        ('{"schema_version": 2}', "schema_version 2"),
        (" " * 70_000, "more than 65,536 B"),
    ],
)
def test_what_is_no_manifest_is_refused(folder, text, says):
    (folder / artifact.MANIFEST_FILE).write_text(text)
    with pytest.raises(BadInput, match=says):
        artifact.read(folder)


@pytest.mark.parametrize(
    "key", [field.name for field in dataclasses.fields(Manifest) if field.name != "parts"]
)
def test_a_missing_key_is_named(folder, key):
    change(folder, lambda values: values.pop(key))
    with pytest.raises(BadInput, match=f"lacks '{key}'"):
        artifact.read(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_name", 3),
        ("arena_bytes", "64"),
        ("arena_bytes", None),
        ("arena_bytes", True),
        ("flash_bytes", -1),
        ("load_address", 1.5),
        ("model_sha256", "AB" * 32),
        ("image_sha256", "ab" * 31),
        ("image", "../firmware.bin"),
        ("image", "/etc/passwd"),
        ("image", "a\\b"),
        ("elf", ""),
        ("elf", ".."),
    ],
)
def test_a_wrong_value_is_named(folder, key, value):
    change(folder, lambda values: values.update({key: value}))
    with pytest.raises(BadInput, match=f"'{key}' is "):
        artifact.read(folder)


def test_a_newer_key_is_skipped(folder, manifest):
    change(folder, lambda values: values.update(colour="blue"))
    assert artifact.read(folder).manifest == manifest


def test_a_folder_that_cannot_be_written_is_named(tmp_path, manifest):
    with pytest.raises(BuildFailed, match="Cannot write"):
        artifact.write(tmp_path / "absent", manifest)


def change(folder, how) -> None:
    path = folder / artifact.MANIFEST_FILE
    values = json.loads(path.read_text())
    how(values)
    path.write_text(json.dumps(values))
