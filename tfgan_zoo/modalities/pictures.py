"""Pictures, parts of pictures, moving pictures and solids."""

import dataclasses

import numpy as np

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities.base import Modality, as_array


@dataclasses.dataclass(frozen=True)
class Image(Modality):
    """A picture: uint8 (height, width, 1 or 3); networks see float32 in [-1, 1]."""

    stored = "uint8"
    plural = "images"
    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

    def __post_init__(self):
        super().__post_init__()
        if len(self.shape) != 3 or self.shape[2] not in (1, 3):
            raise ZooError(f"an image has shape {self.shape}: it must be (height, width, 1 or 3).")

    def to_model(self, x):
        import tensorflow as tf

        return tf.cast(x, tf.float32) / 127.5 - 1.0 if x.dtype == tf.uint8 else x

    def to_stored(self, x):
        import tensorflow as tf

        return tf.saturate_cast(tf.round((tf.cast(x, tf.float32) + 1.0) * 127.5), tf.uint8)

    def picture(self, stored):
        return stored

    def read(self, path):
        picture = images.decode(path)
        if picture is None:
            raise ZooError(f"{path}: cannot be read as a picture.")
        return picture[None]

    def write(self, path, datum):
        images.save_image(path, datum)

    def write_all(self, path, stored):
        """Side by side, pixel for pixel."""
        self.write(path, images.grid(stored, padding=0, scale=1))

    def fit(self, datum):
        return images.bend(datum, self.shape)

    def example(self, count, random):
        coarse = random.integers(0, 256, (count, 4, 4, self.shape[2]))
        height, width = self._sides[:2]
        rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
        return coarse[:, rows][:, :, columns].astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Mask(Image):
    """A part of a picture: uint8 (height, width, 1), 255 inside; networks see 1.0 inside and 0.0 outside."""

    plural = "masks"

    def to_model(self, x):
        import tensorflow as tf

        return tf.cast(x >= 128, tf.float32) if x.dtype == tf.uint8 else x

    def to_stored(self, x):
        import tensorflow as tf

        return tf.cast(x >= 0.5, tf.uint8) * 255

    def given(self, value):
        if as_array(value).dtype == bool:
            value = np.where(value, 255, 0)
        stored = super().given(value)
        if stored.max(initial=0) == 1:
            raise ZooError("got a mask of 0 and 1 where 0 and 255, or false and true, are wanted.")
        return stored

    def example(self, count, random):
        return np.where(super().example(count, random) >= 128, 255, 0).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Video(Modality):
    """Moving pictures: uint8 (frames, height, width, 1 or 3); networks see float32 in [-1, 1]."""

    stored = "uint8"
    plural = "videos"
    suffixes = (".gif",)
    to_model = Image.to_model
    to_stored = Image.to_stored

    def picture(self, stored):
        """Film strips: the frames side by side, eight at most."""
        shown = stored[:, np.unique(np.linspace(0, stored.shape[1] - 1, 8).round().astype(int))]
        return np.concatenate(np.moveaxis(shown, 1, 0), axis=2)

    def read(self, path):
        frames = images.decode_frames(path)
        if frames is None:
            raise ZooError(f"{path}: cannot be read as an animation.")
        return frames[None]

    def write(self, path, datum):
        images.save_gif(path, list(datum))

    def write_all(self, path, stored):
        """Side by side, moving together; a single one as it is."""
        frames = stored[0] if len(stored) == 1 else [images.grid(frame) for frame in np.moveaxis(stored, 1, 0)]
        images.save_gif(path, list(frames))

    def fit(self, datum):
        frames = self.shape[0] or len(datum)
        repeated = datum[np.minimum(np.arange(frames), len(datum) - 1)]
        return np.stack([images.bend(frame, self.shape[1:]) for frame in repeated])

    def example(self, count, random):
        frames = self._sides[0]
        still = Image(self._sides[1:]).example(count, random)
        return np.stack([np.roll(still, place, axis=2) for place in range(frames)], axis=1)


@dataclasses.dataclass(frozen=True)
class Voxels(Modality):
    """A solid: uint8 (depth, height, width, 1), 1 inside; networks see and make float32 in [0, 1]."""

    stored = "uint8"
    plural = "voxels"

    def to_model(self, x):
        import tensorflow as tf

        return tf.cast(x, tf.float32) if x.dtype == tf.uint8 else x

    def to_stored(self, x):
        import tensorflow as tf

        return tf.cast(x >= 0.5, tf.uint8)

    def picture(self, stored):
        """The solid seen from three sides, nearer parts lighter."""
        solid = np.asarray(stored)[..., 0] > 0
        views = []
        for axis in (1, 2, 3):
            depth = solid.shape[axis]
            near = np.where(solid.any(axis), 1 - solid.argmax(axis) / depth, 0)
            views.append(np.rint(near * 255).astype(np.uint8))
        side = max(view.shape[-2] for view in views)
        views = [np.pad(view, [(0, 0), (0, side - view.shape[1]), (0, 0)]) for view in views]
        return np.concatenate(views, axis=2)[..., None]

    def given(self, value):
        stored = super().given(value)
        if stored.max(initial=0) > 1:
            raise ZooError(f"got voxels up to {stored.max()} where 0 and 1 are wanted.")
        return stored

    def example(self, count, random):
        return (Image((*self._sides[1:3], 1)).example(count, random)[:, None] < 128).repeat(
            self._sides[0], 1
        ) * np.uint8(1)
