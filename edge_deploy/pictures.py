"""Pictures as a small grey camera gives them: files read, fitted to a frame, and written.

Turns a path into (height, width) uint8, or into one line that says why not. Pillow reads the files;
it comes with the extras `train` and `virtual`. Knows nothing of cameras, boards or models.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_deploy.errors import BadInput, EdgeDeployError

Frame = npt.NDArray[np.uint8]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp")


class PillowMissing(EdgeDeployError):
    """Pictures cannot be read without Pillow."""


def is_picture(path: Path) -> bool:
    """Whether a file's name is a picture's; those that begin with a dot are nobody's."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read(path: Path, width: int, height: int) -> Frame:
    """The picture as a camera sees it that has it whole in view: (height, width) uint8, grey.

    Luma of ITU-R 601-2, as Pillow has it, turned as its EXIF says; scaled to fit inside the frame,
    in the middle of it, with its outermost pixels repeated to the frame's edges.
    Raises BadInput, or PillowMissing.
    """
    image = _pillow()
    from PIL import ImageOps

    with _refusing(path), image.open(path) as opened:
        # A photograph of many megapixels is decoded no larger than needed.
        opened.draft("L", (width * 2, height * 2))
        grey = ImageOps.exif_transpose(opened).convert("L")
    return fitted(np.asarray(grey, np.uint8), width, height)


def fitted(picture: Frame, width: int, height: int) -> Frame:
    """A grey picture of any size as a frame of (height, width), as `read` says."""
    image = _pillow()
    rows, columns = picture.shape
    scale = min(width / columns, height / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    if size != (columns, rows):
        picture = np.asarray(
            image.fromarray(picture).resize(size, image.Resampling.BOX if scale < 1 else
                                            image.Resampling.BILINEAR),
            np.uint8,
        )  # fmt: skip
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    beside = ((top, height - size[1] - top), (left, width - size[0] - left))
    frame: Frame = np.pad(picture, beside, mode="edge")
    return frame


def write(path: Path, frame: Frame) -> None:
    """Write (height, width) uint8 as PNG. Raises OSError, or PillowMissing."""
    _pillow().fromarray(frame).save(path, "PNG")


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn whatever Pillow says of a file into BadInput."""
    from PIL import UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Such as a picture with more pixels than anyone means.
            warnings.simplefilter("error")
            yield
    except FileNotFoundError:
        raise BadInput(f"{path} is not there.") from None
    except UnidentifiedImageError:
        raise BadInput(f"{path} is no picture that can be read (PNG and JPEG can).") from None
    # Pillow's readers raise whatever a damaged file makes them stumble over.
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path} is a damaged picture: {why}.") from error


def _pillow() -> Any:  # noqa: ANN401 (the module)
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        if error.name != "PIL":
            raise
        raise PillowMissing(
            "pictures need the Python package Pillow, which is not installed.",
            try_next=("pip install 'edge-deploy[virtual]'  with a camera for the virtual board",),
        ) from error
    return Image
