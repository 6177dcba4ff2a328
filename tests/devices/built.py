"""Artifacts for the tests, made of given bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edge_deploy import artifact as artifacts
from edge_deploy.artifact import Artifact, Manifest


def artifact(
    folder: Path,
    image: bytes,
    *,
    board: str = "nano33",
    port: str = "virtual_m4",
    model_sha256: str = "0" * 64,
) -> Artifact:
    """An artifact whose image is `image`, as `build` would leave it in `folder`."""
    folder.mkdir(parents=True)
    path = folder / "firmware.bin"
    path.write_bytes(image)
    path.chmod(0o755)
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    manifest = Manifest(
        model_name="test",
        model_sha256=model_sha256,
        board=board,
        port=port,
        engine="edge-deploy-test/cortex_m4",
        target="cortex_m4",
        toolchain="test 1.0",
        flash_bytes=len(image),
        ram_bytes=0,
        code_bytes=len(image),
        model_code_bytes=0,
        weights_bytes=0,
        arena_bytes=0,
        stack_reserved_bytes=0,
        image_sha256=hashlib.sha256(image).hexdigest(),
        load_address=0x10000,
        tool_version="0.1.0",
        image=path.name,
        elf="firmware.elf",
    )
    return artifacts.write(folder, manifest)
