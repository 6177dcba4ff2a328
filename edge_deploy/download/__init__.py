"""A web server's file -> a file on this disk: resumed, checked, whole or not there.

The one room that speaks HTTP. `web` knows servers and nothing of files, `files` the files.
"""

from __future__ import annotations

from edge_deploy.download.files import (
    DISK_FULL,
    DiskFull,
    Wanted,
    WrongContent,
    fetch,
    forget,
    part_of,
    require_space,
    sha256_of,
    verify,
    writing,
)
from edge_deploy.download.web import DownloadFailed, Patience, ServerDenies, ServerLost

__all__ = [
    "DISK_FULL",
    "DiskFull",
    "DownloadFailed",
    "Patience",
    "ServerDenies",
    "ServerLost",
    "Wanted",
    "WrongContent",
    "fetch",
    "forget",
    "part_of",
    "require_space",
    "sha256_of",
    "verify",
    "writing",
]
