"""How much generated images differ from each other, and how their patches differ from those of real ones.

These look at pixels, without a classifier, so they hold for any kind of picture.
"""

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, Value, check_labels
from tfgan_zoo.metrics.maths import structural
from tfgan_zoo.metrics.maths.pairs import mean_of


class Images:
    """Keeps the first 16,384 images, uint8 (n, h, w, 1 or 3): as many as sliced Wasserstein distances take.

    200 MB for colour images of 64x64 pixels. Being the first, they are a fair choice of images in random order alone.
    """

    LIMIT = 16_384

    def __init__(self, dim: int | None = None):
        self._shape, self._images, self._labels = None, [], []

    def update(self, images: np.ndarray) -> None:
        """Add a batch. Raises ZooError for another dtype, or another size than before."""
        images = np.asarray(images)
        shape = images.shape[1:]
        if images.dtype != np.uint8 or images.ndim != 4 or shape[-1] not in (1, 3) or self._shape not in (None, shape):
            size = "h, w, 1 or 3" if self._shape is None else ", ".join(map(str, self._shape))
            raise ZooError(
                f"images of shape {images.shape} and dtype {images.dtype}; give uint8 (n, {size}), all of one size."
            )
        self._shape = shape
        self._images.append(images[: self._room(self._images)].copy())

    def merge(self, other: "Images") -> None:
        """Add what `other` keeps after these, up to the limit."""
        for here, there in ((self._images, other._images), (self._labels, other._labels)):
            for part in there:
                here.append(part[: self._room(here)])

    def result(self) -> tuple:
        """(images, None). Raises ZooError below two images."""
        count = sum(map(len, self._images))
        if count < 2:
            raise ZooError(f"{count_of(count, 'image')}: diversity takes 2 or more.")
        return np.concatenate(self._images), None

    def _room(self, parts: list) -> int:
        return self.LIMIT - sum(map(len, parts))


class LabelledImages(Images):
    """Images with the class of each."""

    def update(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Add a batch and its labels, int (n,). Raises ZooError as `Images`, and for labels that are not n integers."""
        labels = np.asarray(labels)
        check_labels(labels, len(images))
        super().update(images)
        self._labels.append(labels[: self._room(self._labels)].copy())

    def result(self) -> tuple:
        """(images, labels int (n,)). Raises ZooError below two images."""
        return super().result()[0], np.concatenate(self._labels)


class MsSsim(Metric):
    """Mean multi-scale similarity of random pairs of generated images, 0 to 1: lower is more diverse.

    MS-SSIM (Wang et al. 2003) as a measure of collapse (Odena et al. 2017, https://arxiv.org/abs/1610.09585). Read it
    beside that of real images, its floor: below that is noise rather than diversity. With the standard deviation over
    pairs. No image is in two pairs. Images with less than 161 pixels a side have fewer than 5 scales
    (`structural.ms_ssim`), and their number is not one of larger images.

    Args:
        pairs: how many; fewer where the images are fewer than twice that.
        seed: which.
    """

    name = "ms_ssim"
    takes = "images"
    sides = ("fake",)
    statistic = Images

    def __init__(self, dim: int | None = None, *, pairs: int = 1000, seed: int = 0):
        if pairs < 1:
            raise ZooError(f"{pairs} pairs: give 1 or more.")
        super().__init__(dim)
        self.pairs, self.seed = pairs, seed

    def used(self, fake):
        return {**self.settings, "pairs": min(self.pairs, len(fake[0]) // 2)}

    def compare(self, fake):
        images, _ = fake
        return {self.name: mean_of(self._of_pairs(images))}

    def _of_pairs(self, images: np.ndarray) -> np.ndarray:
        count = min(self.pairs, len(images) // 2)
        first, second = np.random.RandomState(self.seed).permutation(len(images))[: 2 * count].reshape(2, count)
        return structural.ms_ssim(images[first], images[second])


class IntraClassMsSsim(MsSsim):
    """Mean multi-scale similarity of random pairs of generated images of one class: AC-GAN's protocol.

    Of 100 pairs per class (Odena et al. 2017, https://arxiv.org/abs/1610.09585): the mean over classes, with the
    standard deviation over them, and the largest, that of the class that has collapsed most. AC-GAN compares 128x128
    pixels over five scales, with a smaller window at the last; here they are four.

    Args:
        pairs: per class; fewer where its images are fewer than twice that.
        seed: which.
    """

    name = "intra_ms_ssim"
    values = ("intra_ms_ssim", "intra_ms_ssim_worst")
    labelled = ("fake",)
    statistic = LabelledImages

    def __init__(self, dim: int | None = None, *, pairs: int = 100, seed: int = 0):
        super().__init__(dim, pairs=pairs, seed=seed)

    def used(self, fake):
        smallest = min(np.unique(fake[1], return_counts=True)[1])
        return {**self.settings, "pairs": min(self.pairs, int(smallest) // 2)}

    def compare(self, fake):
        images, labels = fake
        similarities = []
        for label in np.unique(labels):
            members = images[labels == label]
            if len(members) < 2:
                raise ZooError(f"class {label} has {count_of(len(members), 'image')}: give 2 or more of every class.")
            similarities.append(self._of_pairs(members).mean())
        return {
            "intra_ms_ssim": Value(float(np.mean(similarities)), float(np.std(similarities))),
            "intra_ms_ssim_worst": max(similarities),
        }


class SlicedWasserstein(Metric):
    """Distance of the 7x7 patches of two sets of images at each level of a Laplacian pyramid, times 1,000.

    SWD (Karras et al. 2018, https://arxiv.org/abs/1710.10196): 128 random patches of each of 16,384 images, shifted and
    scaled to mean 0 and deviation 1 per channel, projected on 512 random directions, along each of which the
    Wasserstein-1 distance is that of the sorted values. Levels halve the size down to 16 pixels or more. Grey images
    are repeated over three channels, as the authors do.

    Values: `swd`, the mean over levels; `swd_fine`, that of full size, which tells of detail; `swd_coarse`, that of the
    smallest, which tells of large forms. They shrink with more images: compare numbers of the same count, and with the
    floor. Where the sides have different numbers of images, the larger leaves out its last.

    Memory: the images, and 75 kB for each pair of them while it computes (1.2 GB at 16,384 of both sides), with 0.4 GB
    at most for projections. Time: about half a minute for 2,000 images of 64x64 pixels on two cores, in proportion.

    Args:
        images: of each side, up to 16,384.
        patches: of each image, at each level.
        directions: random projections.
        seed: of places and directions.
    """

    name = "swd"
    values = ("swd", "swd_fine", "swd_coarse")
    takes = "images"
    statistic = Images

    SMALLEST = 16

    def __init__(
        self,
        dim: int | None = None,
        *,
        images: int = Images.LIMIT,
        patches: int = 128,
        directions: int = 512,
        seed: int = 0,
    ):
        if not 2 <= images <= Images.LIMIT or patches < 1 or directions < 1:
            raise ZooError(
                f"{images} images, {patches} patches, {directions} directions: give 2 to {Images.LIMIT:,} "
                "images, 1 or more of the others."
            )
        super().__init__(dim)
        self.images, self.patches, self.directions, self.seed = images, patches, directions, seed

    def used(self, real, fake):
        return {**self.settings, "images": min(len(real[0]), len(fake[0]), self.images)}

    def compare(self, real, fake):
        (real, _), (fake, _) = real, fake
        if real.shape[1:3] != fake.shape[1:3] or min(real.shape[1:3]) < self.SMALLEST:
            raise ZooError(
                f"real images of {real.shape[1]}x{real.shape[2]} pixels and generated ones of "
                f"{fake.shape[1]}x{fake.shape[2]}; give both of one size, {self.SMALLEST} or more."
            )
        count = min(len(real), len(fake), self.images)
        levels = 1 + int(np.log2(min(real.shape[1:3]) // self.SMALLEST))
        distances = []
        for level in range(levels):
            sides = (self._patches(images[:count], level, levels, side) for side, images in enumerate((real, fake)))
            distances.append(1000 * self._distance(*sides))
        return {"swd": np.mean(distances), "swd_fine": distances[0], "swd_coarse": distances[-1]}

    def _patches(self, images: np.ndarray, level: int, levels: int, side: int) -> tuple[np.ndarray, ...]:
        """Patches of every image at a level of `levels`, float16 (n * patches, 3, 49); mean and deviation per channel.

        A half float's rounding, 1/2,000 of a value, is far below the spread of the values and halves the memory.
        """
        draw = np.random.RandomState([self.seed, level, side])  # its numbers are the same in all NumPy versions
        height, width = (-(-length // 2**level) for length in images.shape[1:3])
        y, x = (draw.randint(length - 6, size=(len(images), self.patches)) for length in (height, width))
        patches = np.empty((len(images), self.patches, 3, 7 * 7), np.float16)
        sums, squares = np.zeros(3), np.zeros(3)
        step = max(1, 2**20 // images[0].size)
        for first in range(0, len(images), step):
            here = slice(first, first + step)
            block = images[here].astype(np.float32)
            block = laplacian_pyramid(np.repeat(block, 3, -1) if block.shape[-1] == 1 else block, levels)[level]
            windows = np.lib.stride_tricks.sliding_window_view(block, (7, 7), axis=(1, 2))
            chosen = windows[np.arange(len(block))[:, None], y[here], x[here]].reshape(-1, self.patches, 3, 7 * 7)
            patches[here] = chosen
            sums += chosen.sum(axis=(0, 1, 3), dtype=np.float64)
            squares += np.einsum("npcs,npcs->c", chosen, chosen, dtype=np.float64)
        values = patches.size / 3
        mean = sums / values
        return patches.reshape(-1, 3, 7 * 7), mean, np.sqrt(np.maximum(squares / values - mean**2, 0))

    def _distance(self, real: tuple, fake: tuple) -> float:
        """Sliced Wasserstein-1 distance of two sets of patches as `_patches` gives them."""
        directions = np.random.RandomState(self.seed).normal(size=(self.directions, 3, 7 * 7))
        directions /= np.sqrt(np.square(directions).sum(axis=(1, 2), keepdims=True))
        step = max(1, 2**25 // len(real[0]))
        total = 0.0
        for first in range(0, self.directions, step):
            a, b = (_sorted_projections(*patches, directions[first : first + step]) for patches in (real, fake))
            a -= b
            total += np.abs(a, out=a).sum(dtype=np.float64)
        return total / (self.directions * len(real[0]))


def _sorted_projections(patches, mean, deviation, directions) -> np.ndarray:
    """Normalised patches (n, 3, 49) on directions (d, 3, 49), each sorted: float32 (d, n)."""
    # Shift and scale go into the directions, which are few. A channel without contrast has nothing to scale.
    scaled = directions / np.where(deviation > 0, deviation, 1)[:, None]
    shift = (scaled.sum(axis=2) @ mean).astype(np.float32)
    scaled = scaled.reshape(len(scaled), -1).astype(np.float32)
    projections = np.empty((len(scaled), len(patches)), np.float32)
    for first in range(0, len(patches), 2**14):
        part = patches[first : first + 2**14].reshape(-1, scaled.shape[1]).astype(np.float32)
        projections[:, first : first + 2**14] = scaled @ part.T
    projections -= shift[:, None]
    projections.sort(axis=1)
    return projections


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """Images (n, h, w, c) as `levels` bands (Burt & Adelson 1983), finest first, each half the size of the one before.

    Each but the last is what the next, doubled, lacks. The filter is [1 4 6 4 1] / 16 in both directions, borders are
    mirrored: OpenCV's pyrDown and pyrUp.
    """
    bands = [images]
    for _ in range(levels - 1):
        fine = bands[-1]
        coarse = _blurred(fine)[:, ::2, ::2]
        doubled = np.zeros_like(fine)
        doubled[:, ::2, ::2] = 4 * coarse
        bands[-1] = fine - _blurred(doubled)
        bands.append(coarse)
    return bands


def _blurred(images: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        width = [(2, 2) if this == axis else (0, 0) for this in range(images.ndim)]
        padded = np.moveaxis(np.pad(images, width, mode="reflect"), axis, 0)
        length = len(padded) - 4
        blurred = sum(weight / 16 * padded[shift : shift + length] for shift, weight in enumerate((1, 4, 6, 4, 1)))
        images = np.moveaxis(blurred, 0, axis)
    return images
