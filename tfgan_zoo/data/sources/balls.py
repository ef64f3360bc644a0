"""Bouncing balls: made-up clips on which models of motion have been compared since 2008.

Balls of equal mass move in a box, bounce off its walls and off each other, and never rest. Sutskever, Hinton, Taylor
2008: The Recurrent Temporal Restricted Boltzmann Machine.
"""

from itertools import combinations, count

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, BaseSource, refuse_steady, require, subset
from tfgan_zoo.data.keyed import normal, uniform
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.sources.synthetic import SPLITS
from tfgan_zoo.modalities import Video

BOX, RADIUS = 10.0, 1.2
SPEED = 0.5  # the root of the sum of squares of all velocities, in lengths a frame
PARTS = 2  # of a frame, at the end of which it is seen who has hit what


class Source(BaseSource):
    """Clips made on the spot: white balls on black. Clip i depends on (seed, split, i) and `objects` alone."""

    source: str = "balls"
    size: PositiveInt = Field(10_000, description="how many clips")
    seed: int = Field(0, description="of the data")
    objects: PositiveInt = Field(3, le=5, description="balls in each clip; more than 5 have no room to start from")

    def splits(self):
        return list(SPLITS)

    def _open(self, making: Making, split: str):
        spec = making.given
        require(spec, ["video" if isinstance(spec.get("video"), Video) else None], "balls data")
        refuse_steady(making, "balls data")
        name, places = subset(split, SPLITS, lambda name: self.size)
        shape, seed = spec["video"].shape, self.seed + (SPLITS.index(name) << 48)
        keep = memory.fits(len(places), shape, self.cache)
        make = lambda rows: drawn(ways(rows + places.start, seed, shape[0], self.objects), shape)  # noqa: E731
        return {"video": memory.Lazy(make, len(places), shape, keep)}, About(
            description=f"{self.objects} balls that bounce, seed {self.seed} [{split}]",
            identity=["balls", 1, seed, places.start, self.objects],
            num_examples=len(places),
            cached_bytes=len(places) * spec["video"].nbytes if keep else 0,
        )


def ways(places: np.ndarray, seed: int, frames: int, balls: int) -> np.ndarray:
    """Where the balls of the clips at `places` are: float64 (n, frames, balls, 2), between 0 and 10."""
    position = starts(places, seed, balls)
    velocity = normal(seed, 601, places[:, None, None], np.arange(balls)[:, None], np.arange(2))
    velocity *= SPEED / np.linalg.norm(velocity, axis=(1, 2), keepdims=True)
    seen = np.empty((len(places), frames, balls, 2))
    for frame in range(frames):
        seen[:, frame] = position
        for _ in range(PARTS):
            position = position + velocity / PARTS
            velocity = bounced(position, velocity)
    return seen


def starts(places: np.ndarray, seed: int, balls: int) -> np.ndarray:
    """Where the balls are at first, float64 (n, balls, 2): anywhere in the box, drawn anew until none touch."""
    found, left = np.empty((len(places), balls, 2)), np.arange(len(places))
    for attempt in count():
        draws = uniform(seed, 600, places[left][:, None, None], attempt, np.arange(balls)[:, None], np.arange(2))
        found[left] = RADIUS + draws * (BOX - 2 * RADIUS)
        touching = [
            np.linalg.norm(found[left, one] - found[left, other], axis=1) < 2 * RADIUS
            for one, other in combinations(range(balls), 2)
        ]
        left = left[np.any(touching, axis=0)] if touching else left[:0]
        if not len(left):
            return found


def bounced(position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Velocities (n, balls, 2) after walls have sent balls back, and balls that hit have exchanged their momenta."""
    velocity = np.where(position < RADIUS, np.abs(velocity), velocity)
    velocity = np.where(position > BOX - RADIUS, -np.abs(velocity), velocity)
    for one, other in combinations(range(position.shape[1]), 2):
        between = position[:, one] - position[:, other]
        distance = np.linalg.norm(between, axis=1, keepdims=True)
        line = between / np.maximum(distance, 1e-12)
        # Along the line between them, balls of equal mass exchange velocities; each is changed by the difference.
        exchanged = line * ((velocity[:, one] - velocity[:, other]) * line).sum(axis=1, keepdims=True)
        exchanged *= distance < 2 * RADIUS
        velocity[:, one] -= exchanged
        velocity[:, other] += exchanged
    return velocity


def drawn(ways: np.ndarray, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The clips (n, *shape), uint8: where balls are exp(-(distance / radius)^8), together 1 at most."""
    _, height, width, channels = shape
    rows, columns = (np.arange(side) * BOX / side for side in (height, width))
    light = np.zeros((*ways.shape[:2], height, width))
    for ball in range(ways.shape[2]):
        down, right = (ways[:, :, ball, axis, None] for axis in (0, 1))
        squares = ((rows - down) ** 2)[..., None] + ((columns - right) ** 2)[..., None, :]
        light += np.exp(-((squares / RADIUS**2) ** 4))
    clips = np.rint(255 * np.minimum(light, 1)).astype(np.uint8)[..., None]
    return np.repeat(clips, channels, axis=-1)
