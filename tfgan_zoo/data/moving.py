"""Clips of letters and digits that move over still backgrounds and bounce off the margins: made up, with known masks.

Clip i is a function of (seed, i) alone: its characters, their ways and its background are draws keyed by them.
"""

import dataclasses

import numpy as np

from tfgan_zoo import images
from tfgan_zoo.data import glyphs
from tfgan_zoo.data.keyed import uniform

ROUGHNESS = 6  # sides of the coarse noise that backgrounds are enlarged from
DARKER = 0.5  # the lightest that a background may be; characters are lighter
DRAWS = 16  # for each character


@dataclasses.dataclass(frozen=True)
class Scenes:
    """What clips are made of; `clips(places)` makes them.

    Attributes:
        shape: (frames, height, width, 1 or 3).
        characters: the classes.
        files: typefaces, as `glyphs.faces` gives them.
        objects: characters in each clip.
        side: of the square that holds a character, in pixels.
        speed: pixels from frame to frame at most; half of it at least.
        textured: whether backgrounds are smooth noise, otherwise black.
        seed: of all draws.
        jump: pixels that all characters of a clip leap aside at its last frame.
        jump_to: "left" or "right"; "either" by a draw of each clip.
    """

    shape: tuple[int, int, int, int]
    characters: str
    files: tuple[str, ...]
    objects: int
    side: int
    speed: float
    textured: bool
    seed: int
    jump: float = 0.0
    jump_to: str = "either"

    def labels(self, places: np.ndarray) -> np.ndarray:
        """The class of the first character of each clip, the one that lies in front: int32 (n,)."""
        return glyphs.classes(places * self.objects + self.objects - 1, self.seed, self.characters)

    def clips(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Clips and what moves in them, 255 inside: uint8 (n, *shape) and (n, frames, height, width, 1)."""
        pairs = [self._clip(int(place)) for place in places]
        return np.stack([clip for clip, _ in pairs]), np.stack([mask for _, mask in pairs])

    def _clip(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        frames, height, width, channels = self.shape
        numbers = place * self.objects + np.arange(self.objects)
        drawn = glyphs.render(numbers, self.seed, self.characters, (self.side, self.side, 1), self.files)
        clip = np.repeat(self._background(place)[None], frames, axis=0)
        mask = np.zeros((frames, height, width, 1))
        for number, picture in zip(numbers, drawn.astype(np.float64), strict=True):
            draws = uniform(self.seed, 500, int(number), np.arange(DRAWS))
            cover = (picture - picture.min()) / max(picture.max() - picture.min(), 1.0)
            ink = 255 * (1 - (1 - DARKER) / 2 * draws[5 : 5 + channels])
            for frame, (top, left) in enumerate(self._way(draws, self._leap(place))):
                where = frame, slice(top, top + self.side), slice(left, left + self.side)
                clip[where] += cover * (ink - clip[where])
                mask[where] = np.maximum(mask[where], cover)
        return np.rint(clip).astype(np.uint8), np.where(mask >= 0.5, 255, 0).astype(np.uint8)

    def _background(self, place: int) -> np.ndarray:
        """Float64 (height, width, channels) from 0 to 255."""
        _, height, width, channels = self.shape
        if not self.textured:
            return np.zeros((height, width, channels))
        coarse = uniform(self.seed, 501, place, np.arange(ROUGHNESS * ROUGHNESS * channels))
        coarse = (255 * DARKER * coarse).astype(np.uint8).reshape(ROUGHNESS, ROUGHNESS, channels)
        return images.scale(coarse, height, width).astype(np.float64)

    def _leap(self, place: int) -> float:
        """How far to the right the characters of a clip leap at its last frame."""
        drawn = "left" if uniform(self.seed, 502, place).item() < 0.5 else "right"
        return self.jump if (drawn if self.jump_to == "either" else self.jump_to) == "right" else -self.jump

    def _way(self, draws: np.ndarray, leap: float) -> np.ndarray:
        """The upper left corner of a character in each frame: int (frames, 2)."""
        frames, height, width, _ = self.shape
        room = np.array([height, width]) - self.side
        angle, pace = 2 * np.pi * draws[2], self.speed * (1 + draws[3]) / 2
        line = draws[:2] * room + pace * np.array([np.sin(angle), np.cos(angle)]) * np.arange(frames)[:, None]
        turns = np.maximum(room, 1)
        way = _between(line, turns)
        if leap:
            way[-1] = _between(way[-1] + np.array([0, leap]), turns)
        return np.rint(way).astype(int) * (room > 0)


def _between(place: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Places on a straight way, mirrored at 0 and at `turns` so that they lie between."""
    return turns - np.abs(place % (2 * turns) - turns)
