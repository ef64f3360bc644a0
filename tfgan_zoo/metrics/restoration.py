"""Generated against true pictures, pair by pair: super-resolution, translation, inpainting."""

import warnings
from types import MappingProxyType

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.maths import pictures, structural
from tfgan_zoo.metrics.maths.pairs import PairedMetric, mean_of


class _OfPictures(PairedMetric):
    """Pairs of uint8 pictures (n, h, w, 1 or 3), looked at without a border and in luma or all channels.

    Pictures may differ in size from one update to the next.
    """

    takes = "images"

    def __init__(self, dim: int | None = None, *, border: int = 0, luma: bool = False):
        super().__init__(dim)
        self.border, self.luma = border, luma

    def compare(self, fake):
        return {self.name: mean_of(fake)}

    def _seen(self, images: np.ndarray) -> np.ndarray:
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ZooError(
                f"{self.name}: pictures of shape {images.shape} and dtype {images.dtype}; give uint8 (n, h, w, 1 or 3)."
            )
        return pictures.shave(pictures.luma(images) if self.luma else images, self.border)


class L1(_OfPictures):
    """Mean absolute difference of pictures that belong together, in percent of the range of 0 to 255: mean over pairs.

    With the standard deviation over pairs.

    Args:
        border: pixels left out at each side.
        luma: of Y alone (MATLAB's `rgb2ycbcr`), in place of all channels.
    """

    name = "l1"

    def score(self, real, fake):
        one, other = (self._seen(side).astype(np.float64) for side in (real, fake))
        return np.abs(one - other).mean(axis=(1, 2, 3)) / 2.55


class Psnr(_OfPictures):
    """Peak signal-to-noise ratio in dB between pictures that belong together: the mean over pairs.

    10 log10(255² / mean squared difference), with the standard deviation over pairs. Equal pictures are infinitely
    alike and make the mean infinite; a warning counts them.

    Args:
        border: pixels left out at each side; super-resolution by a factor leaves out as many as the factor.
        luma: compare Y alone (MATLAB's `rgb2ycbcr`), as super-resolution does, in place of all channels.
    """

    name = "psnr"
    higher = ("psnr",)

    def score(self, real, fake):
        return pictures.psnr(self._seen(real), self._seen(fake))

    def compare(self, fake):
        equal = int(np.isinf(fake).sum())
        if equal:
            warnings.warn(
                f"{count_of(equal, 'pair')} of {len(fake):,} with equal pictures: their PSNR, and so the "
                "mean, is infinite; leave them out.",
                stacklevel=2,
            )
            return {self.name: np.inf}
        return super().compare(fake)


class Ssim(_OfPictures):
    """Structural similarity of pictures that belong together, at most 1: the mean over pairs.

    Wang et al. 2004, https://ieeexplore.ieee.org/document/1284395, with the standard deviation over pairs. Window and
    constants: see `structural`.

    Args:
        border: pixels left out at each side; super-resolution by a factor leaves out as many as the factor.
        luma: compare Y alone (MATLAB's `rgb2ycbcr`), as super-resolution does, in place of all channels.
    """

    name = "ssim"
    higher = ("ssim",)

    def score(self, real, fake):
        return structural.ssim(self._seen(real), self._seen(fake))


class Sharpness(_OfPictures):
    """Fine detail of generated pictures as a share of that of the true ones, best at 1: the mean over pairs.

    The mean square of the Laplacian (each pixel against its four neighbours) of one over that of the other, with the
    standard deviation over pairs: below 1 for blurred pictures, above 1 for noise. It does not ask where detail is.
    True pictures of one colour have none; a pair of them counts as 1, and such a true picture alone as infinite.

    Args:
        border: pixels left out at each side.
        luma: of Y alone (MATLAB's `rgb2ycbcr`), in place of all channels.
    """

    name = "sharpness"
    best = MappingProxyType({"sharpness": 1.0})

    def score(self, real, fake):
        made, true = pictures.detail(self._seen(fake)), pictures.detail(self._seen(real))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(made == true, 1.0, made / true)
