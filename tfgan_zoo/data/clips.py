"""From videos of any length to clips of the model's: how they are cut, for sources that deliver videos."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo import images
from tfgan_zoo.data.base import BaseSource
from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.data.making import CUT, Making, Transforms
from tfgan_zoo.data.memory import in_order
from tfgan_zoo.modalities import Video


class ClipSource(BaseSource):
    """What sources of videos have in common: how clips of the model's length are cut of them."""

    stride: PositiveInt = Field(1, description="of videos: a clip has every n-th frame")
    long: Literal["any", "first"] = Field(
        "any",
        description="of videos longer than the model's: any, a clip from another place in every epoch (in evaluation "
        "from the middle); first, their beginning",
    )
    short: Literal["skip", "repeat"] = Field(
        "skip", description="of videos shorter than the model's: skip, left out; repeat, the last frame stays"
    )

    def clips(self, making: Making, kind: Video) -> "ClipView":
        """How videos become clips of `kind`."""
        return ClipView(kind, making.chosen, Cut(kind.shape[0], self.stride, self.long == "any"))

    def how(self) -> list:
        """What of the settings tells these clips from others of the same videos."""
        return [self.stride, self.long, self.short]


@dataclasses.dataclass(frozen=True)
class Cut:
    """Which frames of a video make a clip.

    Attributes:
        frames: how many.
        stride: from one to the next.
        anywhere: whether it begins at a drawn place, rather than with the first frame.
    """

    frames: int
    stride: int
    anywhere: bool

    @property
    def span(self) -> int:
        """How many frames a video must have."""
        return (self.frames - 1) * self.stride + 1

    @property
    def most(self) -> int | None:
        """How many frames of a video clips are cut of; None for all."""
        return None if self.anywhere else self.span

    def places(self, length: int, draw: float | None) -> np.ndarray:
        """The places of the frames in a video of `length`, int64 (frames,); `draw` is in [0, 1), None for the middle.

        Where the video is too short, its last frame is repeated.
        """
        room = max(length - self.span, 0) if self.anywhere else 0
        first = room // 2 if draw is None else int(draw * (room + 1))
        return np.minimum(first + np.arange(self.frames) * self.stride, length - 1)


class ClipView:
    """How a video reaches a model: its frames are prepared once and kept, clips are cut of them at every turn.

    Attributes:
        kind: of the clips.
        cut: a `Cut`.
    """

    def __init__(self, kind: Video, chosen: Transforms, cut: Cut):
        self.kind, self.cut, self.steady, self.crop = kind, cut, chosen.steady, chosen.cut

    def shape(self, frame: np.ndarray) -> tuple[int, int, int]:
        """The shape that the frames of a video are brought to, by its first one."""
        if not self.crop:
            return self.kind.shape[1:]
        return (*self._changed(frame).shape[:2], self.kind.shape[3])

    def prepared(self, frame: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """A frame as it is on the disk -> what is kept of it, uint8 `shape`."""
        return images.bend(self._changed(frame), shape)

    def _changed(self, frame: np.ndarray) -> np.ndarray:
        for transform in self.steady:
            frame = transform(frame)
        return frame

    def base(self, video):
        """Videos are prepared frame by frame, as they are read."""
        return video

    def clip(self, video, draws: np.ndarray | None) -> np.ndarray:
        """A clip, uint8 `kind.shape`, of a video: prepared frames, with `len` and an index of places.

        Args:
            draws: three in [0, 1), for the part of the frames and for the time; None for evaluation, which sees the
                middle.
        """
        return self.cropped(video[self.places(len(video), draws)], draws)

    def places(self, length: int, draws: np.ndarray | None) -> np.ndarray:
        """Which frames of a video of `length` make the clip."""
        return self.cut.places(length, None if draws is None else draws[2])

    def cropped(self, clip: np.ndarray, draws: np.ndarray | None) -> np.ndarray:
        """All frames of a clip cut at one place, where `random_crop` is asked for."""
        if not self.crop:
            return clip
        place = None if draws is None else tuple(draws[:2])
        return np.stack(self.crop(list(clip), [self.kind.shape[1:]] * len(clip), place))


class Clips:
    """A column of clips: `clips[rows]` is what evaluation sees, `turn` what training gets.

    Args:
        own: row -> a video as `ClipView.clip` takes it.
        count: how many there are.
        view: how they become clips.
        nbytes: what is kept of them in memory; 0 where they are read anew each time.
    """

    def __init__(self, own: Callable, count: int, view: ClipView, nbytes: int):
        self.own, self.count, self.view, self.nbytes = own, count, view, nbytes

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self._made(rows, [None] * len(rows))

    def turn(self, rows: np.ndarray, seed: int, n: np.ndarray) -> np.ndarray:
        """The clips of `rows` as elements `n` of the run of `seed`."""
        return self._made(rows, [draws(seed, place) for place in n])

    def _made(self, rows: np.ndarray, drawn: list) -> np.ndarray:
        def clip(pair):
            return self.view.clip(self.own(int(pair[0])), pair[1])

        pairs = list(zip(rows, drawn, strict=True))
        return np.stack([*(map(clip, pairs) if self.nbytes else in_order(clip, pairs))])  # threads read files


def draws(seed: int, n: int) -> np.ndarray:
    """The draws of element `n` of a run: of the part of its frames, as pictures have them, and of its time."""
    return uniform(seed, CUT, int(n), np.arange(3))
