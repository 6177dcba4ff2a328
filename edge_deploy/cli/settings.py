"""Settings of a user: flags over environment over file.

The environment is `EDGE_DEPLOY_BOARD`, `EDGE_DEPLOY_ON`, `EDGE_DEPLOY_PORT`; the file is
`config.yaml` in the user's configuration folder, with the keys `board`, `on`, `port`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge_deploy.errors import BadInput

KEYS = ("board", "on", "port")


def read_settings(verbs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The settings file as click's default map: the same defaults for every verb.

    Raises BadInput where the file is there but is not a mapping of known keys to words.
    """
    from edge_deploy import places

    path = places.config() / "config.yaml"
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = str(error).splitlines()[0]
        raise BadInput(f"{path}: cannot be read: {line}") from error
    known = ", ".join(KEYS)
    if not isinstance(content, dict):
        raise BadInput(f"{path}: expected keys {known}, each with a word")
    for key, value in content.items():
        if key not in KEYS or not isinstance(value, str):
            raise BadInput(f"{path}: {key}: expected one of {known}, with a word")
    return {verb: dict(content) for verb in verbs}
