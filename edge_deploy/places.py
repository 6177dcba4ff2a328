"""Where the data that ships with edge-deploy is, and where a user's own files go.

Turns names into paths, and creates nothing. Knows nothing about what the files hold.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APPLICATION = "edge-deploy"
_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """The path of a file or folder that ships with edge-deploy.

    parts: names below the root, such as `"labs"`, `"hello"`; the root holds `boards.yaml`,
    `firmware/`, `labs/` and `kits/`. In a wheel it is `edge_deploy/_shipped/`; in a checkout
    (or an editable install of one) the checkout itself. Whether the path exists is for the
    caller to find out.
    """
    in_wheel = _PACKAGE / "_shipped"
    root = in_wheel if in_wheel.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)


def home() -> Path:
    """The folder of a user's own files (virtual boards' flash, recordings). May not exist yet.

    `EDGE_DEPLOY_HOME` if it is set and not empty, otherwise the platform's folder for user data.
    """
    chosen = _chosen()
    return chosen or Path(platformdirs.user_data_dir(_APPLICATION, appauthor=False))


def cache() -> Path:
    """The folder of what can be made again (built firmware). May not exist yet.

    `EDGE_DEPLOY_HOME/cache` if that variable is set, otherwise the platform's cache folder.
    """
    chosen = _chosen()
    if chosen is not None:
        return chosen / "cache"
    return Path(platformdirs.user_cache_dir(_APPLICATION, appauthor=False))


def config() -> Path:
    """The folder of a user's settings (`config.yaml`). May not exist yet.

    `EDGE_DEPLOY_HOME` if it is set and not empty, otherwise the platform's folder for settings.
    """
    chosen = _chosen()
    return chosen or Path(platformdirs.user_config_dir(_APPLICATION, appauthor=False))


def platformio() -> Path:
    """Where PlatformIO keeps what it downloads, which is its own affair. May not exist yet."""
    chosen = os.environ.get("PLATFORMIO_CORE_DIR", "")
    return Path(chosen) if chosen else Path.home() / ".platformio"


def _chosen() -> Path | None:
    """`EDGE_DEPLOY_HOME` as an absolute path, or None where it is unset or empty."""
    value = os.environ.get("EDGE_DEPLOY_HOME", "")
    return Path(value).expanduser().absolute() if value else None
