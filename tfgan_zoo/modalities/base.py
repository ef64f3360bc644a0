"""What all kinds of data have in common, and the two simplest: classes and points."""

import dataclasses
import io
import math
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError

Shape = tuple[int | None, ...]


def as_array(value: Any) -> np.ndarray:
    """`value` as an array; of dtype object where its rows are of unequal length."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.full((), None, object)


def save_array(path: Path, array: np.ndarray) -> None:
    """Write a `.npy` file, atomically. Raises ZooError where it cannot be written."""
    content = io.BytesIO()  # into a file `np.save` writes through C, which overlooks a disk that is full
    np.save(content, array, allow_pickle=False)
    with files.written(path) as temporary:
        temporary.write_bytes(content.getbuffer())


@dataclasses.dataclass(frozen=True)
class Modality:
    """One kind of data.

    Attributes:
        shape: of one datum, in both forms; sides that vary are None.
        stored: the dtype of the stored form.
        model: the dtype of the model form.
        plural: what answers of this kind are called, in signatures and messages.
        suffixes: of files that hold it, the one that is written first.
        crowd: one picture shows many together, as points do.
    """

    shape: Shape
    stored: ClassVar[str] = "float32"
    model: ClassVar[str] = "float32"
    plural: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    crowd: ClassVar[bool] = False

    def __post_init__(self):
        object.__setattr__(self, "shape", tuple(self.shape))

    @property
    def name(self) -> str:
        """`Image (28, 28, 1)`: for messages."""
        return f"{type(self).__name__} ({', '.join('any' if side is None else str(side) for side in self.shape)})"

    # === The two forms ===
    def to_model(self, x):
        """Stored tensor (n, ...) -> what networks see."""
        return x

    def to_stored(self, x):
        """What networks make (n, ...) -> stored tensor."""
        return x

    # === For people ===
    def picture(self, stored: np.ndarray) -> np.ndarray:
        """Stored data (n, ...) -> uint8 pictures (n, height, width, 1 or 3); one picture of all where `crowd`."""
        raise ZooError(f"{type(self).__name__}: has no picture.")

    @property
    def visible(self) -> bool:
        """Whether there is a `picture` of it."""
        return type(self).picture is not Modality.picture

    # === Files ===
    def read(self, path: Path) -> np.ndarray:
        """The data in a file, stored form (n, ...), of the sizes they have; n is 1 or more.

        Raises:
            ZooError: a file that cannot be read as this kind of data.
        """
        try:
            data = self.given(np.load(path, allow_pickle=False))
        except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ZooError(f"{path}: cannot be read as {self.name}: {reason}") from None
        if not data.size:
            raise ZooError(f"{path}: holds nothing.")
        return data if data.ndim > len(self.shape) else data[None]

    def write(self, path: Path, datum: np.ndarray) -> None:
        """Write one stored datum, atomically, in the format of the path's suffix."""
        save_array(path, datum)

    def write_all(self, path: Path, stored: np.ndarray) -> None:
        """Write stored data (n, ...) into one file, atomically."""
        self.write(path, stored[0] if len(stored) == 1 else stored)

    @property
    def from_files(self) -> bool:
        """Whether people give such data as files, rather than as a number or a word."""
        return True

    def fit(self, datum: np.ndarray) -> np.ndarray:
        """Bring a stored datum to `shape`.

        Raises:
            ZooError: a datum that does not fit.
        """
        if not self._fits(datum.shape):
            raise ZooError(f"data of shape {datum.shape} where {self.name} is wanted.")
        return datum

    def _fits(self, sides: tuple[int, ...]) -> bool:
        """Whether one datum has this shape."""
        if len(sides) != len(self.shape):
            return False
        return all(want in (None, have) for want, have in zip(self.shape, sides, strict=True))

    # === Made up ===
    def example(self, count: int, random: np.random.Generator) -> np.ndarray:
        """`count` made-up data in stored form: for smoke runs, tests, checks of exports and warm-up requests."""
        return random.standard_normal((count, *self._sides)).astype(self.stored)

    @property
    def nbytes(self) -> int:
        """What one datum takes in memory, in stored form."""
        return math.prod(self._sides) * np.dtype(self.stored).itemsize

    @property
    def _sides(self) -> tuple[int, ...]:
        return tuple(16 if side is None else side for side in self.shape)

    def given(self, value: Any) -> np.ndarray:
        """What a caller gave for this input, as stored data (n, ...), or one datum (...) for all rows.

        Raises:
            ZooError: a value that is not of this kind: no numbers, another shape, numbers that the stored form does
                not hold.
        """
        array = as_array(value)
        if array.dtype.kind not in "biuf":
            raise ZooError(f"got {str(value)[:60]!r} where {self.name} is wanted.")
        if not self._fits(array.shape) and not self._fits(array.shape[1:]):
            raise ZooError(f"got an array of shape {array.shape} where {self.name} is wanted.")
        with np.errstate(invalid="ignore", over="ignore"):  # bad values are reported below
            stored = array.astype(self.stored)
        whole = stored.dtype.kind in "iu"
        if not (np.array_equal(stored, array) if whole else np.isfinite(stored).all()):
            wanted = f"{self.stored} without fractions" if whole else "finite numbers"
            raise ZooError(f"got {array.dtype} from {array.min():.4g} to {array.max():.4g} where {wanted} are wanted.")
        return stored


@dataclasses.dataclass(frozen=True, init=False)
class ClassLabel(Modality):
    """One of `num_classes` classes: int32 (); networks answer with logits or probabilities, float (n, num_classes).

    `num_classes` None: any number of them, where data are only read.
    """

    num_classes: int | None
    stored = "int32"
    model = "int32"
    plural = "logits"
    suffixes = (".txt",)

    def __init__(self, num_classes: int | None = None):
        object.__setattr__(self, "shape", ())
        object.__setattr__(self, "num_classes", num_classes)

    @property
    def name(self):
        return f"ClassLabel ({'any' if self.num_classes is None else self.num_classes} classes)"

    def to_model(self, x):
        import tensorflow as tf

        return tf.cast(x, tf.int32)

    def to_stored(self, x):
        import tensorflow as tf

        return tf.argmax(x, -1, tf.int32) if x.dtype.is_floating else tf.cast(x, tf.int32)

    def read(self, path):
        try:
            return self.given([int(number) for number in path.read_text(encoding="utf-8").split()])
        except (OSError, ValueError) as error:
            raise ZooError(f"{path}: cannot be read as class numbers: {error}") from None

    def write(self, path, datum):
        with files.written(path) as temporary:
            temporary.write_text("".join(f"{int(number)}\n" for number in np.atleast_1d(datum)), encoding="utf-8")

    @property
    def from_files(self):
        return False

    def example(self, count, random):
        return random.integers(0, self.num_classes or 2, count).astype(np.int32)

    def given(self, value):
        array = as_array(value)
        wrong = array.ndim > 1 or array.dtype.kind not in "iu"
        if wrong or (self.num_classes and array.size and not 0 <= array.min() <= array.max() < self.num_classes):
            last = "" if self.num_classes is None else f" from 0 to {self.num_classes - 1}"
            raise ZooError(f"label {str(value)[:60]!r}: must be a whole number{last}.")
        return array.astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Points(Modality):
    """A point or a vector of features: float32 (dimensions,)."""

    plural = "points"
    crowd = True

    def picture(self, stored):
        """One scatter plot of all points, by their first two numbers: (1, 256, 256, 1)."""
        points, side = np.asarray(stored).reshape(len(stored), -1)[:, :2], 256
        points = np.pad(points, [(0, 0), (0, 2 - points.shape[1])])
        reach = max(1.5, float(np.quantile(np.abs(points), 0.99)) * 1.2) if np.isfinite(points).all() else 1.5
        places = np.floor((np.where(np.isfinite(points), points, np.inf) / reach + 1) / 2 * side)
        inside = ((places >= 0) & (places < side)).all(axis=1)
        x, y = places[inside].astype(int).T
        count = np.zeros((side, side))
        np.add.at(count, (side - 1 - y, x), 1)
        return np.where(count > 0, 160 - np.minimum(count, 5) * 32, 255).astype(np.uint8)[None, :, :, None]
