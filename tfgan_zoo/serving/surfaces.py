"""The manifold of a served model: pictures to begin an edit with, and edits, computed from its signatures alone."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo.endpoints import Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.manifold import Surface
from tfgan_zoo.modalities import Text
from tfgan_zoo.serving import edits, forms
from tfgan_zoo.serving.models import Version

POOL = 256  # seeds of which the nearest begin a projection
STRIP = 8  # pictures from the original to the edit


class ServedSurface(Surface):
    """The pictures that `generate` of a served version makes; `forms.edited` knows which versions have such.

    Args:
        given: its conditions, {input: one datum in stored form, or a text}.
        until: the time, as of `time.time()`, after which it computes no more.

    Raises:
        ZooError: conditions that do not fit.
    """

    def __init__(self, version: Version, given: Mapping[str, Any], until: float = float("inf")):
        declared = version.facts["endpoints"]["generate"]
        noise = {
            key: Noise(tuple(words["shape"]), words.get("low"), words.get("high"))
            for key, words in declared["inputs"].items()
            if words["kind"] == "Noise"
        }
        super().__init__(forms.kind_of(declared["output"]), noise)
        self.until = until
        self._generate, self._latents = version.signature("generate"), version.signature("latents")
        self._held = {key: in_model_form(declared["inputs"][key], value) for key, value in given.items()}

    def drawn(self, seeds):
        def one(seed):
            found = self._latents.function(count=tf.constant(1), seed=seed, truncation=tf.constant(0.0))
            return {key: found[key][0] for key in self.noise}

        spec = {key: tf.TensorSpec(noise.shape, tf.float32) for key, noise in self.noise.items()}
        return tf.map_fn(one, tf.cast(seeds, tf.int64), fn_output_signature=spec)

    def generated(self, latents):
        rows = tf.shape(next(iter(latents.values())))[0]
        held = {key: tf.repeat(value, rows, 0) for key, value in self._held.items()}
        # An assertion within the graph ends a descent for which nobody waits any longer.
        late = tf.debugging.assert_less(tf.timestamp(), tf.constant(self.until, tf.float64), "no time is left.")
        with tf.control_dependencies([] if late is None else [late]):  # None outside of a graph
            inputs = {key: tf.identity(value) for key, value in latents.items()} | held
        return self._generate.function(**inputs)[self.kind.plural]


def in_model_form(declared: Mapping[str, Any], value: Any) -> tf.Tensor:
    """One condition as the signature `generate` takes it, (1, ...). Raises ZooError where it does not fit."""
    kind = forms.kind_of(declared)
    if isinstance(kind, Text):
        return tf.constant(kind.encode([value]))
    if isinstance(value, bytes):
        value = edits.picture_from(value, kind)
    return kind.to_model(tf.constant(kind.given(value)))[None]


@dataclasses.dataclass(frozen=True)
class Edit:
    """A step on the manifold.

    Attributes:
        code: (d,), of the edited picture.
        strip: pictures from the original to the edited one, uint8 (n, h, w, c).
        costs: how far each constraint was from being fulfilled, before and after, {its name: (before, after)}.
        seconds: that it took.
    """

    code: np.ndarray
    strip: np.ndarray
    costs: Mapping[str, tuple[float, float]]
    seconds: float

    @property
    def picture(self) -> np.ndarray:
        """The edited picture, uint8 (h, w, c)."""
        return self.strip[-1]


def begun(
    surface: Surface, seed: int, picture: np.ndarray | None = None, starts: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """The code with which an edit begins, and its picture: of a seed, or the one nearest to a picture, uint8 (h, w, c).

    A predictor, with whose code iGAN's hybrid begins, would have to be trained first for each version and condition.
    The nearest of some hundred seeds are found in the time of a few steps, and their descents come nearer than it.
    """
    if picture is None:
        code = surface.codes([seed]).numpy()[0]
    else:
        code = surface.project(picture[None], "optimise", pool=POOL, starts=starts, seed=seed).codes[0]
    return code, surface.kind.to_stored(made(surface, code[None])).numpy()[0]


def edited(
    surface: Surface, start: np.ndarray, marks: Sequence[edits.Mark], keep: float = 5.0, starts: int = 2
) -> Edit:
    """The edit of the picture of `start` that the marks ask for.

    Raises:
        ZooError: nothing is asked for; pictures that are no numbers.
    """
    began = time.perf_counter()
    wanted = edits.constraints(surface.pictures(start[None])[0], marks)
    code = surface.edit(start, list(wanted.values()), keep=float(keep), candidates=starts)
    ends = made(surface, np.stack([start, code]))
    costs = {name: tuple(constraint(ends).numpy().tolist()) for name, constraint in wanted.items()}
    return Edit(code, surface.strip(start, code, STRIP), costs, time.perf_counter() - began)


def made(surface: Surface, codes: np.ndarray) -> tf.Tensor:
    """The pictures of codes (n, d) in model form. Raises ZooError where they are no numbers."""
    found = surface.made(tf.constant(codes))
    if not np.isfinite(found).all():
        raise ZooError("the model's pictures are no numbers here: begin with another seed or other conditions.")
    return found
