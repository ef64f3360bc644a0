"""Parts of pictures: where they are cut, and how the pictures of a row are cut at the same place."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError

Box = tuple[float, float, float, float]  # top, left, height and width, as fractions of a picture


def cut(
    pictures: Sequence[np.ndarray],
    shapes: Sequence[tuple[int, int, int]],
    size: tuple[int, int] | None,
    place: tuple[float, float] | None,
) -> list[np.ndarray]:
    """The parts of `shapes` of the pictures of one row, uint8 (h, w, c) of any sizes, all at one place.

    Args:
        size: height and width that the picture of the largest shape is brought to first; None for its own.
        place: from the top and from the left, each in [0, 1); None for evaluation: the whole pictures, or their
            middles where `size` is None.

    Raises:
        ZooError: shapes larger than `size`, or pictures whose sizes do not stand to each other as the shapes do.
    """
    if size and place is None:
        return [images.bend(picture, shape) for picture, shape in zip(pictures, shapes, strict=True)]
    least = min(range(len(shapes)), key=lambda i: shapes[i][0])
    most = max(range(len(shapes)), key=lambda i: shapes[i][0])
    if size and any(side < want for side, want in zip(size, shapes[most], strict=False)):
        raise ZooError(f"random_crop of {size[0]} x {size[1]} pixels: the model wants {_size(shapes[most])} of them.")
    # The place is chosen in whole pixels of the smallest picture, so that it is one in all of them.
    if size:
        size = tuple(side * shapes[least][i] / shapes[most][i] for i, side in enumerate(size))
    box = _box(pictures[least].shape, shapes[least], size, place or (0.5, 0.5))
    if not size:
        for picture, shape in zip(pictures, shapes, strict=True):
            _require_like(picture.shape, shape, box, pictures[least].shape, shapes[least])
    return [_part(picture, shape, box) for picture, shape in zip(pictures, shapes, strict=True)]


def _box(own: Sequence[int], shape: Sequence[int], size: tuple | None, place: tuple[float, float]) -> Box:
    sides = []
    if size is None:
        zoom = min(1.0, own[0] / shape[0], own[1] / shape[1])  # below 1 where the picture is too small
        for i in (0, 1):
            room = own[i] - shape[i] * zoom
            first = np.floor(place[i] * (room + 1)) if zoom == 1 else place[i] * room
            sides.append((first / own[i], shape[i] * zoom / own[i]))
    else:  # the part of the proportions of `size` in the middle, which is brought to `size`
        used = min(own[0], own[1] * size[0] / size[1]), min(own[1], own[0] * size[1] / size[0])
        for i in (0, 1):
            first = np.floor(place[i] * (np.floor(size[i] - shape[i]) + 1))
            start = (own[i] - used[i]) / 2 + used[i] * first / size[i]
            sides.append((start / own[i], used[i] * shape[i] / size[i] / own[i]))
    (top, height), (left, width) = sides
    return top, left, height, width


def _require_like(own: Sequence[int], shape: Sequence[int], box: Box, other: Sequence[int], least: Sequence[int]):
    """Raise ZooError where the part of a picture is not `shape` pixels large, though that of the smallest is."""
    whole = np.allclose([box[2] * other[0], box[3] * other[1]], least[:2], atol=1e-6)
    if whole and not np.allclose([box[2] * own[0], box[3] * own[1]], shape[:2], atol=0.01):
        raise ZooError(
            f"random_crop: pictures of {_size(own)} and {_size(other)} pixels do not stand to each other as the parts "
            f"of {_size(shape)} and {_size(least)} that the model wants; give a size, as in {{ random_crop = 286 }}."
        )


def _part(picture: np.ndarray, shape: Sequence[int], box: Box) -> np.ndarray:
    scale = np.array([picture.shape[0], picture.shape[1]] * 2)
    top, left, height, width = np.array(box) * scale
    whole = np.rint([top, left]).astype(int)
    if np.allclose([top, left], whole, atol=1e-6) and np.allclose([height, width], shape[:2], atol=1e-6):
        part = picture[whole[0] : whole[0] + shape[0], whole[1] : whole[1] + shape[1]]
    else:
        part = _scaled(picture, shape, (left, top, left + width, top + height))
    return images.bend(part, shape)  # the channels


def _scaled(picture: np.ndarray, shape: Sequence[int], corners: tuple[float, ...]) -> np.ndarray:
    """The part between `corners` (left, top, right, bottom) at the size of `shape`, as `images.scale` would do it."""
    corners = np.clip(corners, 0, [picture.shape[1], picture.shape[0]] * 2)
    bands = [picture] if picture.shape[2] == 3 else [picture[:, :, c] for c in range(picture.shape[2])]
    made = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(band)).resize(
                (shape[1], shape[0]), Image.Resampling.BICUBIC, box=tuple(corners)
            )
        )
        for band in bands
    ]
    return made[0] if picture.shape[2] == 3 else np.stack(made, axis=-1)


def _size(shape: Sequence[int]) -> str:
    return f"{shape[0]} x {shape[1]}"
