"""Pictures on the manifold of a generator: the nearest one to a picture, and edits that stay on it.

iGAN, Zhu et al. 2016: Generative Visual Manipulation on the Natural Image Manifold. https://arxiv.org/abs/1609.03552

    project   z0 = argmin_z  mean((x - G(z))^2)
    edit      z  = argmin_z  sum_c  c(G(z))  +  keep * mean((z - z0)^2)

Here Adam looks for z, all pictures at once, where the authors take L-BFGS-B for each. They compare AlexNet's features,
which know photographs, beside the pixels; here pixels alone are compared, unless a network is named.
"""

import abc
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import generation, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Noise
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.families import dcgan
from tfgan_zoo.features import perceptual
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.inversion import descended

METHODS = ("optimise", "predict", "hybrid")
TOGETHER = 32  # pictures of a pool that are made at once
FEATURES_WEIGHT = 0.002  # of the maps of a network beside pixels; the paper's
EDGE = 0.999  # of bounded noise, whose ends no finite code reaches
Constraint = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Projection:
    """Pictures on the manifold.

    Attributes:
        codes: float32 (n, d), for `Manifold.pictures`.
        pictures: uint8 (n, h, w, c).
        errors: mean squared differences in [-1, 1], float32 (n,).
    """

    codes: np.ndarray
    pictures: np.ndarray
    errors: np.ndarray


class Surface(abc.ABC):
    """The pictures that a generator makes out of noise, whoever holds the generator.

    A code (d,) is all noise of one picture in a row, where every number is allowed: bounded noise is a tanh of it.

    Args:
        kind: of the pictures, all of one size.
        noise: what pictures are made of, each of one shape.
    """

    def __init__(self, kind: Image, noise: Mapping[str, Noise]):
        self.kind, self.noise = kind, dict(noise)

    @abc.abstractmethod
    def drawn(self, seeds: tf.Tensor) -> dict[str, tf.Tensor]:
        """The noise of seeds, int64 (n,) -> {name: float32 (n, ...)}; also within a `tf.function`."""

    @abc.abstractmethod
    def generated(self, latents: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Noise (n, ...) -> pictures in model form, float32 (n, h, w, c) in [-1, 1]; gradients pass through."""

    # === Codes ===
    def codes(self, seeds: Sequence[int]) -> tf.Tensor:
        """The codes of seeds: float32 (n, d)."""
        drawn, parts = self.drawn(tf.constant(list(seeds), tf.int64)), []
        for key in self.noise:
            middle, half = self._bounds(key)
            value = tf.reshape(drawn[key], (len(drawn[key]), -1))
            bounded = tf.clip_by_value((value - middle) / half, -EDGE, EDGE) if half else value
            parts.append(tf.atanh(bounded) if half else value)
        return tf.concat(parts, 1)

    def latents(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Codes (n, d) -> the generator's noise, {name: (n, ...)}."""
        sizes = [math.prod(noise.shape) for noise in self.noise.values()]
        found = {}
        for (key, noise), part in zip(self.noise.items(), tf.split(codes, sizes, 1), strict=True):
            middle, half = self._bounds(key)
            value = middle + half * tf.tanh(part) if half else part
            found[key] = tf.reshape(value, (-1, *noise.shape))
        return found

    def _bounds(self, key: str) -> tuple[float, float]:
        """(middle, half the width) of bounded noise; (0, 0) where it has no bounds."""
        noise = self.noise[key]
        return (0.0, 0.0) if noise.low is None else ((noise.low + noise.high) / 2, (noise.high - noise.low) / 2)

    def made(self, codes: tf.Tensor) -> tf.Tensor:
        """Codes (n, d) -> pictures in model form, float32 (n, h, w, c) in [-1, 1]."""
        return self.generated(self.latents(codes))

    def pictures(self, codes) -> np.ndarray:
        """Codes (n, d) -> uint8 (n, h, w, c)."""
        return self.kind.to_stored(self.made(tf.convert_to_tensor(codes))).numpy()

    def errors(self, codes: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
        """Mean squared differences from pictures in model form, (n,)."""
        return tf.reduce_mean(tf.square(self.made(codes) - pictures), (1, 2, 3))

    # === Projection ===
    def predictor(self, steps: int = 1000, filters: int = 32, batch_size: int = 64, seed: int = 0) -> keras.Model:
        """P, trained so that G(P(x)) is like x: picture in model form -> code.

        The x are pictures that the model makes, so that no data are needed; the paper takes its photographs.
        """
        keras.utils.set_random_seed(seed)
        image, length = keras.Input(self.kind.shape), self.codes([0]).shape[1]
        code = keras.layers.Dense(length)(dcgan.downwards(image, filters))
        # A Lambda does not own the generator's weights, so that they stay as they are.
        made = keras.layers.Lambda(self.made, output_shape=self.kind.shape)(code)
        whole = keras.Model(image, made)
        whole.compile(keras.optimizers.Adam(1e-3), "mse")

        @tf.function
        def batch(first):
            x = self.generated(self.drawn(first + tf.range(batch_size, dtype=tf.int64)))
            return x, x

        firsts = tf.data.Dataset.range(seed, seed + steps * batch_size, batch_size)
        whole.fit(firsts.map(batch), shuffle=False, verbose=0)
        return keras.Model(image, code)

    def project(
        self,
        pictures: np.ndarray,
        method: str = "hybrid",
        predictor: keras.Model | None = None,
        steps: int = 200,
        rate: float = 0.1,
        seed: int = 0,
        pool: int = 0,
        starts: int = 1,
        features: str | None = None,
    ) -> Projection:
        """The pictures on the manifold that are like the given ones.

        Args:
            pictures: uint8 (n, h, w, c).
            method: "optimise" descends from the codes of seeds, "predict" takes P's code, "hybrid" descends from it.
            predictor: P; None trains one where it is needed.
            steps, rate: of the descent.
            seed: the first one, where nothing is predicted.
            pool: seeds whose pictures are looked at first: "optimise" begins with those nearest to each picture. 0
                takes seeds as they come, `starts` of them for each picture.
            starts: places to descend from for each picture, of which the best end is kept; of predictions there is one.
            features: a perceptual network by name, such as "vgg16:block4_conv3", whose maps shall be alike, too; see
                `features.perceptual`. The paper takes AlexNet's fourth layer.

        Raises:
            ZooError: an unknown method or network, pictures of another size, fewer seeds in the pool than starts.
        """
        if method not in METHODS:
            raise unknown("method", method, METHODS)
        if starts < 1 or 0 < pool < starts:
            raise ZooError(f"starts={starts}, pool={pool}: give 1 start or more, and no more than the pool has seeds.")
        x = self.kind.to_model(tf.constant(np.atleast_1d(self.kind.given(pictures))))
        if method == "optimise":
            codes = self._nearest(x, pool, starts, seed) if pool else self.codes(range(seed, seed + starts * len(x)))
        else:
            starts, codes = 1, tf.cast((predictor or self.predictor())(x, training=False), tf.float32)
        if method != "predict":
            cost = self._unlike(tf.repeat(x, starts, 0), features)
            codes, costs = _found(cost, codes, steps, rate)
            best = tf.argmin(tf.reshape(costs, (len(x), starts)), 1)
            codes = tf.gather(tf.reshape(codes, (len(x), starts, -1)), best, batch_dims=1)
        return Projection(codes.numpy(), self.pictures(codes), self.errors(codes, x).numpy())

    def _nearest(self, x: tf.Tensor, pool: int, starts: int, seed: int) -> tf.Tensor:
        """Of `pool` seeds the codes whose pictures are nearest to each of x (n, h, w, c): (n * starts, d)."""
        codes, flat = self.codes(range(seed, seed + pool)), tf.reshape(x, (len(x), -1))
        far = []
        for first in range(0, pool, TOGETHER):
            made = tf.reshape(self.made(codes[first : first + TOGETHER]), (-1, flat.shape[1]))
            # |x - m|^2 without |x|^2, which is the same for all m.
            far.append(tf.reduce_sum(tf.square(made), 1) - 2 * tf.matmul(flat, made, transpose_b=True))
        nearest = tf.math.top_k(-tf.concat(far, 1), starts).indices
        return tf.gather(codes, tf.reshape(nearest, (-1,)))

    def _unlike(self, x: tf.Tensor, features: str | None) -> Callable[[tf.Tensor], tf.Tensor]:
        """The cost of a projection: how far pictures are from x, (n, h, w, c)."""
        if features is None:
            return lambda codes: self.errors(codes, x)
        network = perceptual.perceptual_network(features)
        wanted = network(x)

        def cost(codes):
            made = self.made(codes)
            maps = zip(network(made), wanted, strict=True)
            unlike = tf.add_n([tf.reduce_mean(tf.square(found - target), (1, 2, 3)) for found, target in maps])
            return tf.reduce_mean(tf.square(made - x), (1, 2, 3)) + FEATURES_WEIGHT * unlike

        return cost

    # === Edits ===
    def edit(
        self,
        start: np.ndarray,
        constraints: Sequence[Constraint],
        keep: float = 5.0,
        candidates: int = 8,
        steps: int = 100,
        rate: float = 0.1,
        seed: int = 0,
    ) -> np.ndarray:
        """The code near `start` whose picture fulfils the constraints best: float32 (d,).

        Args:
            start: a code (d,).
            constraints: made by `colour`, `sketch` and `warp`.
            keep: weight of the distance from the start, in the model's noise; the paper's.
            candidates: places near the start to search from, the start itself first.
            steps, rate: of the descent.
            seed: of the candidates.

        Raises:
            ZooError: no constraint.
        """
        if not constraints:
            raise ZooError("an edit needs a constraint: give a colour, a sketch or a warp.")
        near = np.random.default_rng(seed).uniform(-0.5, 0.5, (candidates, len(start))).astype(np.float32)
        near[0] = 0
        first = self.latents(tf.constant(start[None]))

        def cost(codes):
            latents, x = self.latents(codes), self.made(codes)
            away = tf.concat([tf.reshape(latents[key] - first[key], (len(codes), -1)) for key in latents], 1)
            return tf.add_n([wanted(x) for wanted in constraints]) + keep * tf.reduce_mean(tf.square(away), 1)

        codes, costs = _found(cost, tf.constant(start + near), steps, rate)
        return codes.numpy()[int(tf.argmin(costs))]

    def strip(self, start: np.ndarray, end: np.ndarray, count: int = 8) -> np.ndarray:
        """Pictures on the straight line between two codes, ends included: uint8 (count, h, w, c)."""
        way = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        return self.pictures((1 - way) * start + way * end)


class Manifold(Surface):
    """The pictures that a model generates.

    Args:
        model: its `generate` gives pictures of one size.
        given: conditions, one for all pictures, such as label=3.

    Raises:
        ZooError: a model that makes no such pictures, or none from noise alone; conditions that do not fit.
    """

    def __init__(self, model: AdversarialModel, **given: Any):
        self.model, self.given = model, given
        kind, noise = generation.output_of(model), model.endpoints["generate"].noise
        if not isinstance(kind, Image) or None in kind.shape:
            raise ZooError(f"{model.name}: makes {kind.name}; a manifold is searched for pictures of one size.")
        inputs = generation.drawn(model, [0], None, given)
        self.held = {key: value for key, value in inputs.items() if key not in noise}
        # Noise that may have any shape has the one that the model draws.
        shapes = {key: tuple(inputs[key].shape[1:]) for key in noise}
        super().__init__(kind, {key: dataclasses.replace(noise[key], shape=shapes[key]) for key in noise})

    def drawn(self, seeds):
        inputs = sampling.draw(self.model, "generate", seeds, {key: value[0] for key, value in self.held.items()})
        return {key: inputs[key] for key in self.noise}

    def generated(self, latents):
        rows = tf.shape(next(iter(latents.values())))[0]
        held = {key: tf.repeat(value, rows, 0) for key, value in self.held.items()}
        return sampling.ask(self.model, "generate", dict(latents) | held)


def _found(cost: Callable, codes: tf.Tensor, steps: int, rate: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Where a descent ends, and the costs there, both computed as one graph: (n, d), (n,)."""

    @tf.function
    def search(codes):
        codes = descended(cost, codes, steps, rate)
        return codes, cost(codes)

    return search(codes)


# === Constraints ===
def colour(picture: np.ndarray, mask: np.ndarray) -> Constraint:
    """Where the mask is set, pictures have the colours of `picture`.

    Args:
        picture: uint8 (h, w, c).
        mask: bool (h, w).
    """
    wanted, mask = tf.constant(picture / np.float32(127.5) - 1, tf.float32), _mask(mask)
    return lambda x: tf.reduce_sum(mask * tf.square(x - wanted), (1, 2, 3)) / tf.reduce_sum(mask) / x.shape[-1]


def sketch(lines: np.ndarray, mask: np.ndarray, weight: float = 0.2) -> Constraint:
    """Where the mask is set, pictures have the edges of a drawing, whatever their colours.

    The authors compare histograms of gradients; here the gradients themselves (Sobel's), blind to their sign.

    Args:
        lines: uint8 (h, w), the drawing.
        mask: bool (h, w).
        weight: the paper's.
    """
    mask = _mask(mask)

    def strengths(x):
        edges = tf.image.sobel_edges(tf.reduce_mean(x, -1, keepdims=True))
        return tf.sqrt(tf.reduce_sum(tf.square(edges), -1) + 1e-6)

    wanted = strengths(tf.constant(lines[None, :, :, None] / np.float32(127.5) - 1, tf.float32))
    return lambda x: weight * tf.reduce_sum(mask * tf.square(strengths(x) - wanted), (1, 2, 3)) / tf.reduce_sum(mask)


def warp(picture: np.ndarray, box: tuple[int, int, int, int], shift: tuple[int, int]) -> Constraint:
    """What `picture` shows in a box, pictures show where the box is moved to.

    Args:
        picture: uint8 (h, w, c).
        box: (top, left, height, width).
        shift: (down, right), in pixels.

    Raises:
        ZooError: a box that lies outside of the picture, before or after.
    """
    top, left, height, width = box
    down, right = top + shift[0], left + shift[1]
    inside = min(top, left, down, right) >= 0 and min(height, width) >= 1
    if not inside or max(top, down) + height > picture.shape[0] or max(left, right) + width > picture.shape[1]:
        sides = f"{picture.shape[0]} x {picture.shape[1]}"
        raise ZooError(f"box {box} moved by {shift} leaves the picture of {sides}; give one that stays within.")
    moved, mask = picture.copy(), np.zeros(picture.shape[:2], bool)
    moved[down : down + height, right : right + width] = picture[top : top + height, left : left + width]
    mask[down : down + height, right : right + width] = True
    return colour(moved, mask)


def _mask(mask: np.ndarray) -> tf.Tensor:
    """bool (h, w) -> float32 (h, w, 1). Raises ZooError where nothing is set."""
    if not np.any(mask):
        raise ZooError("the mask of a constraint is empty: set it where the edit is wanted.")
    return tf.constant(np.asarray(mask, np.float32)[:, :, None])
