"""Numbers to pictures: curves and confusion matrices as SVG text, and SVG of ours as PNG.

SVG needs nothing. PNG needs matplotlib, which comes with the extra `train`.
"""

from __future__ import annotations

from edge_deploy.drawing import png
from edge_deploy.errors import UsageError

FORMATS = (".svg", ".png")


def check(name: str) -> None:
    """Raise UsageError where a file of that name would be no picture of ours.

    Raises png.MatplotlibMissing where it would be a PNG, and nothing here can make one.
    """
    if not name.lower().endswith(FORMATS):
        raise UsageError(f"{name}: a picture's name ends in {' or '.join(FORMATS)}.")
    if name.lower().endswith(".png"):
        png.check()


def encoded(svg: str, name: str) -> bytes:
    """A document of this room's as the file `name` holds it, by its ending. Raises as `check`."""
    check(name)
    return png.encoded(svg) if name.lower().endswith(".png") else svg.encode()
