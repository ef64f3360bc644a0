"""Sheets of samples: what a model answers to the same noise and the same conditions, as pictures for people.

A sheet of answers to given data shows the data above their answers. Classes stand in columns.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import images, output, sampling
from tfgan_zoo.modalities import Audio, ClassLabel, Modality, Text

CROWD = 1_000  # points in a picture that shows all together
COLUMNS = 8
HEARD = 8  # sounds that TensorBoard plays of each sheet


class Sheet:
    """The picture of one endpoint's answers.

    Args:
        name: the endpoint.
        count: answers to show (points: 1,000).
        rows: held-out data for the conditions, {key: stored (n, ...)}; classes are laid out in columns without it.
        main: whether it is the run's main one: `step-00000100.png`; others are `<endpoint>-00000100.png`.
    """

    def __init__(self, model, name: str, count: int, rows: Mapping[str, np.ndarray], main: bool):
        self.model, self.name, self.endpoint = model, name, sampling.endpoint_of(model, name)
        self.prefix = "step" if main else name
        wanted = CROWD if self.endpoint.output.crowd else count
        self.count = min([wanted, *(len(rows[key]) for key in self._shown_keys(rows))])
        self.given = {key: rows[key][: self.count] for key in self._shown_keys(rows)}
        kinds = self.endpoint.conditions.items()
        classes = {key: min(kind.num_classes, 16) for key, kind in kinds if isinstance(kind, ClassLabel)}
        self.columns = None if self.given else next(iter(classes.values()), None)
        if self.columns:
            self.count = max(1, round(self.count / self.columns)) * self.columns
        self.given |= {key: (np.arange(self.count) % most).astype(np.int32) for key, most in classes.items()}

    def _shown_keys(self, rows: Mapping[str, np.ndarray]) -> list[str]:
        kinds = self.endpoint.conditions
        return [key for key, kind in kinds.items() if key in rows and not isinstance(kind, ClassLabel)]

    def draw(self, folder: Path, step: int) -> Path:
        """Write the picture of a step, and the answers in their own format where they are not pictures.

        TensorBoard shows them too, where TensorFlow has a default summary writer.
        """
        answers = sampling.sampler(self.model, self.name)(np.arange(self.count), **self.given).numpy()
        kind, path = self.endpoint.output, folder / f"{self.prefix}-{step:08d}.png"
        picture = self.laid_out(answers) if kind.visible else images.text(kind.decode(answers))
        images.save_image(path, picture)
        if kind.suffixes[0] in (".wav", ".gif", ".txt"):
            output.write_all(kind, path.with_suffix(kind.suffixes[0]), answers)
        self._summarize(picture, answers, step)
        return path

    def _summarize(self, picture: np.ndarray, answers: np.ndarray, step: int) -> None:
        """For TensorBoard: the picture, with sounds to listen to or texts to read where that is what they are."""
        import tensorflow as tf

        kind = self.endpoint.output
        tf.summary.image(self.name, picture[None], step)
        if isinstance(kind, Audio):
            sounds = (answers / 32768).astype(np.float32)
            tf.summary.audio(f"{self.name}_sound", sounds, kind.rate, step, max_outputs=HEARD)
        elif isinstance(kind, Text):
            tf.summary.text(f"{self.name}_text", kind.decode(answers), step)

    def laid_out(self, answers: np.ndarray) -> np.ndarray:
        """Stored answers as one picture, the data they answer to above them."""
        pictures = self.endpoint.output.picture(answers)
        seen = {key: kind for key, kind in self.endpoint.conditions.items() if key in self.given and kind.visible}
        above = [kind.picture(self.given[key]) for key, kind in seen.items() if not kind.crowd]
        return images.grid(pictures, self.columns) if not above else paired([*above, pictures])


def paired(stacks: list[np.ndarray], columns: int = COLUMNS) -> np.ndarray:
    """Rows of pictures that belong together, one below the other: uint8 stacks (n, h, w, c) of equal n, any sizes."""
    height, width = (max(stack.shape[axis] for stack in stacks) for axis in (1, 2))
    channels = max(stack.shape[3] for stack in stacks)
    alike = [images.fill(stack, (height, width, channels)) for stack in stacks]
    count = len(alike[0])
    columns = min(columns, count)
    cells = []
    for first in range(0, count, columns):
        for stack in alike:
            part = stack[first : first + columns]
            missing = columns - len(part)
            cells.append(np.pad(part, [(0, missing), (0, 0), (0, 0), (0, 0)], constant_values=images.WHITE))
    return images.grid(np.concatenate(cells), columns)


def sheets_of(model, count: int, rows: Mapping[str, np.ndarray]) -> list[Sheet]:
    """A sheet for each endpoint that `rows` can ask and that has something to show, the first of them the main one.

    Points are shown of the model's main endpoint alone.
    """
    made = []
    for place, (name, endpoint) in enumerate(model.endpoints.items()):
        known = all(key in rows or isinstance(kind, ClassLabel) for key, kind in endpoint.conditions.items())
        shown = endpoint.output.visible and not (place and endpoint.output.crowd)
        if known and (shown or hasattr(endpoint.output, "decode")):
            made.append(Sheet(model, name, count, rows, main=not made))
    return made


def real(path: Path, spec: Mapping[str, Modality], rows: Mapping[str, Any]) -> None:
    """Write what the model is given: the data's own pictures, those of one row below each other."""
    seen = {key: kind for key, kind in spec.items() if kind.visible}
    single = {key: kind for key, kind in seen.items() if not kind.crowd}  # a plot of all has no row of its own
    stacks = [kind.picture(rows[key]) for key, kind in (single or seen).items()]
    if stacks:
        images.save_image(path, images.grid(stacks[0]) if len(stacks) == 1 else paired(stacks))
