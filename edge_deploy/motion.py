"""Motion as 16-bit samples: CSV files of acceleration and rotation, read, checked and written.

Turns a path into (n, axes) int16 samples in the units that boards send, or into one line that says
why not. Knows nothing of sensors, boards or models.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_deploy.errors import BadInput

Samples = npt.NDArray[np.int16]

NAMES = ("aX", "aY", "aZ", "gX", "gY", "gZ")

# Full scale of the Nano 33 BLE Sense's sensors as Arduino's libraries set them (Arduino_LSM9DS1,
# Arduino_BMI270_BMM150): +-4 g and +-2000 degrees a second, 16 bits each.
PER_G = 8192.0
PER_DPS = 32768 / 2000

# 64 MiB are 14 hours at 100 Hz: such a file was not meant.
_LARGEST_BYTES = 1 << 26


def units(axes: int) -> npt.NDArray[np.float64]:
    """(axes,) float64: steps a g for the first three axes, a degree a second for the others."""
    return np.array([PER_G] * 3 + [PER_DPS] * (axes - 3))


def read(path: Path, axes: int | None) -> Samples:
    """The samples of a CSV file, (n, axes) int16, n at least 1. axes: None for all that it has.

    A row is a sample: aX, aY, aZ in g, and gX, gY, gZ in degrees a second where `axes` is 6. A
    file with rotation serves where none is wanted. A first line of names is skipped, and so are
    empty lines and those that begin with `#`. Raises BadInput with the line.
    """
    rows: list[list[float]] = []
    width = 0
    for number, cells in _rows(path):
        if not rows and not width and cells and not _is_number(cells[0]):
            width = len(cells)  # names of the columns
            continue
        values = [_value(path, number, cell) for cell in cells]
        if (
            len(values) not in (3, 6)
            or len(values) < (axes or 3)
            or (width and len(values) != width)
        ):
            wanted = f"{width}" if width in (3, 6) else "6" if axes == 6 else "3 or 6"
            raise BadInput(
                f"{path}, line {number}: expected {wanted} numbers ({', '.join(NAMES[:axes])}), "
                f"found {len(values)}."
            )
        width = len(values)
        rows.append(values[:axes])
    if not rows:
        raise BadInput(f"{path} holds no samples.")
    return from_real(np.array(rows), str(path))


def from_real(values: npt.NDArray[np.float64], what: str) -> Samples:
    """Values in g and degrees a second, (n, axes), as samples: rounded to the nearest step.

    Raises BadInput, which names `what`, for a value beyond full scale.
    """
    steps = np.rint(values * units(values.shape[1]))
    beyond = np.argwhere((steps < -32768) | (steps > 32768))
    if len(beyond):
        row, axis = (int(each) for each in beyond[0])
        unit, most = ("g", 4) if axis < 3 else ("degrees a second", 2000)
        raise BadInput(
            f"{what}: sample {row + 1} has {values[row, axis]:g} {unit} as {NAMES[axis]}; "
            f"the sensor measures up to {most}."
        )
    # +4 g itself is one step beyond what 16 bits hold.
    samples: Samples = np.minimum(steps, 32767).astype(np.int16)
    return samples


def write(path: Path, samples: Samples) -> None:
    """Write (n, axes) samples so that `read` gives the same ones. Raises OSError."""
    axes = samples.shape[1]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NAMES[:axes])
    scale = units(axes)
    for row in samples:
        # Six decimals tell neighbouring steps (0.000122 g) apart.
        writer.writerow([f"{value / unit:.6f}" for value, unit in zip(row, scale, strict=True)])
    path.write_text(text.getvalue(), encoding="ascii")


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that says something."""
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise BadInput(f"{path} has {size:,} B; recordings have at most {_LARGEST_BYTES:,}.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text, so it is no CSV of motion.") from None
    except FileNotFoundError:
        raise BadInput(f"{path} is not there.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    lines = enumerate(text.splitlines(), 1)
    return [
        (number, [cell.strip() for cell in line.split(",")])
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _value(path: Path, number: int, cell: str) -> float:
    if not _is_number(cell) or not math.isfinite(float(cell)):
        shown = cell if len(cell) <= 20 else cell[:20] + "..."
        raise BadInput(f"{path}, line {number}: {shown!r} is not a number.")
    return float(cell)
