"""Made-up requests to every signature of a model, and the model's own answers: for checks and for warming up."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Modality, Text
from tfgan_zoo.serving import encoded
from tfgan_zoo.serving.signatures import exported, noises, sampled

SEED = 20_151_119


@dataclasses.dataclass(frozen=True)
class Example:
    """A request to one signature.

    Attributes:
        signature: its name.
        inputs: {name: array}; strings are arrays of bytes, dtype object.
        answers: gives what the model itself answers, {name: array}; pictures and sounds in stored form.
    """

    signature: str
    inputs: Mapping[str, np.ndarray]
    answers: Callable[[], dict[str, np.ndarray]]


def examples(model: AdversarialModel, count: int) -> Iterator[Example]:
    """A request for `count` answers to each signature."""
    seeds, random = tf.range(count, dtype=tf.int64) + SEED, np.random.default_rng(SEED)
    later = []
    for name, endpoint in exported(model).items():
        stored = {key: made_up(kind, count, random) for key, kind in endpoint.conditions.items()}
        inputs = sampling.draw(model, name, seeds, stored)
        answer = functools.cache(functools.partial(asked, model, name, inputs))
        kind = endpoint.output
        raw = {key: inputs[key].numpy() for key in endpoint.inputs}
        example = Example(name, raw, lambda a=answer, kind=kind: {kind.plural: a().numpy()})
        yield example
        if name == next(iter(exported(model))):
            yield dataclasses.replace(example, signature="serving_default")
        if suffix := encoded.suffix(endpoint):
            files = dict(sent(key, endpoint.inputs[key], stored.get(key), raw[key]) for key in endpoint.inputs)
            later.append(Example(name + suffix, files, lambda a=answer, kind=kind: read_back(kind, a())))
    yield from later
    for name, as_files in sampled(model).items():
        yield sample(model, name, as_files, seeds, random)
    if noises(model):
        yield latents(model, seeds)


def sample(model, name: str, as_files: bool, seeds: tf.Tensor, random: np.random.Generator) -> Example:
    """A request to `sample`, or to its form that answers with files."""
    endpoint = model.endpoints["generate"]
    inputs = {"count": np.int32(len(seeds)), "seed": np.int64(SEED)}
    inputs |= {"truncation": np.float32(0)} if as_files else {}
    given = {}
    for key, kind in endpoint.conditions.items():
        if isinstance(kind, ClassLabel):
            inputs[key] = np.int32(-1)
        else:
            given[key] = made_up(kind, 1, random)[0]
            key_sent, value = sent(key, kind, given[key][None], kind.to_model(tf.constant(given[key][None])).numpy())
            inputs[key_sent] = value.reshape(value.shape[1:])  # of one row

    def answers():
        drawn = sampling.draw(model, "generate", seeds, given)
        made = asked(model, "generate", drawn)
        kind = endpoint.output
        found = read_back(kind, made) if as_files else {kind.plural: kind.to_stored(made).numpy()}
        classes = [key for key, kind in endpoint.conditions.items() if isinstance(kind, ClassLabel)]
        return found | {key: drawn[key].numpy() for key in classes}

    return Example(name, {key: np.asarray(value) for key, value in inputs.items()}, answers)


def latents(model, seeds: tf.Tensor) -> Example:
    """A request to `latents`."""
    inputs = {"count": np.int32(len(seeds)), "seed": np.int64(SEED), "truncation": np.float32(0)}

    def answers():
        drawn = []
        for seed in seeds:
            with model.noise.drawing(seed):
                made = model.latents(1)
            drawn.append({name: made[name][0].numpy() for name in noises(model)})
        return {name: np.stack([row[name] for row in drawn]) for name in noises(model)}

    return Example("latents", {key: np.asarray(value) for key, value in inputs.items()}, answers)


def asked(model: AdversarialModel, name: str, inputs: Mapping[str, Any]) -> tf.Tensor:
    """The model's answers in model form. Raises ZooError where they are no numbers."""
    answers = tf.function(lambda inputs: sampling.ask(model, name, inputs))(inputs)
    sampling.refuse_broken(int(sampling.broken_in(answers)), len(answers), f"{model.name}.{name}")
    return answers


def read_back(kind: Modality, answers: tf.Tensor) -> dict[str, np.ndarray]:
    """Answers as a client has them who has read the files."""
    name, _ = encoded.written_as(kind)
    return {name: answers.numpy() if name == kind.plural else kind.to_stored(answers).numpy()}


def made_up(kind: Modality, count: int, random: np.random.Generator) -> np.ndarray:
    """Made-up data in stored form; of texts those that can be written as words."""
    data = kind.example(count, random)
    return kind.encode(kind.decode(data)) if isinstance(kind, Text) else data


def sent(key: str, kind: Any, stored: np.ndarray | None, in_model_form: np.ndarray) -> tuple[str, np.ndarray]:
    """An input of an encoded signature: its name there, and the files or the numbers."""
    if isinstance(kind, Image):
        files = [tf.io.encode_png(picture).numpy() for picture in stored]
    elif isinstance(kind, Audio):
        files = [tf.audio.encode_wav(sound / np.float32(32767), kind.rate).numpy() for sound in stored]
    elif isinstance(kind, Text):
        return key, np.array([text.encode() for text in kind.decode(stored)], object)
    else:
        return key, in_model_form
    return f"{key}_bytes", np.array(files, object)
