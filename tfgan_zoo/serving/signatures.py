"""The signatures of a SavedModel: each question that a model answers, as tensors and as files."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image
from tfgan_zoo.serving import encoded

MOST = 1024  # answers in one `sample` request, and
MOST_BYTES = 2**26  # what they take: more is refused before it exhausts the server's memory


class Signature(NamedTuple):
    """A function to be saved, what it takes and gives in words, and the tables that the SavedModel keeps for it."""

    function: Any
    inputs: dict[str, str]
    outputs: dict[str, str]
    tables: tuple[tf.lookup.StaticHashTable, ...] = ()


def exported(model: AdversarialModel) -> dict[str, Endpoint]:
    """The endpoints that an export holds. Raises ZooError where the model has none."""
    found = {name: endpoint for name, endpoint in model.endpoints.items() if endpoint.exported}
    if not found:
        raise ZooError(f"{type(model).__name__}: none of its endpoints ({', '.join(model.endpoints)}) can be exported.")
    return found


def signatures(model: AdversarialModel) -> dict[str, Signature]:
    """A signature for each exported endpoint, the first of them first; then the encoded ones and `sample`."""
    endpoints = exported(model)
    found = {name: asking(model, name) for name in endpoints}
    found |= {
        name + encoded.suffix(e): asking_encoded(model, name) for name, e in endpoints.items() if encoded.suffix(e)
    }
    found |= {name: (sample_encoded if files else sample)(model) for name, files in sampled(model).items()}
    return found | ({"latents": latents(model)} if noises(model) else {})


def sampled(model: AdversarialModel) -> dict[str, bool]:
    """The signatures that answer to a count and a seed: {name: whether they answer with files}."""
    generate, found = exported(model).get("generate"), {}
    if generate is not None and generate.from_seeds:
        found["sample"] = False
    if generate is not None and generate.noise and isinstance(generate.output, Image | Audio):
        found["sample" + encoded.suffix(generate)] = True
    return found


def noises(model: AdversarialModel) -> tuple[str, ...]:
    """The inputs of exported endpoints that are drawn from seeds."""
    return tuple(dict.fromkeys(name for endpoint in exported(model).values() for name in endpoint.noise))


def most(nbytes: int) -> int:
    """How many answers of `nbytes` one request may ask for."""
    return max(1, min(MOST, MOST_BYTES // nbytes))


def asking(model: AdversarialModel, name: str) -> Signature:
    """Inputs -> answer, both in model form; float32 also where the network computes in less."""
    endpoint = model.endpoints[name]
    specs = [tf.TensorSpec((None, *kind.shape), kind.model, name=key) for key, kind in endpoint.inputs.items()]

    def ask(*values):
        inputs = dict(zip(endpoint.inputs, values, strict=True))
        return {endpoint.output.plural: sampling.ask(model, name, inputs)}

    takes = {spec.name: f"{spec.dtype.name} {shape_text(('n', *spec.shape[1:]))}" for spec in specs}
    gives = {endpoint.output.plural: f"float32 {endpoint.output.name}"}
    return Signature(traced(ask, specs), takes, gives)


def asking_encoded(model: AdversarialModel, name: str) -> Signature:
    """As `asking`; pictures and sounds are files, texts are texts, and classes and noise are numbers as there."""
    endpoint = model.endpoints[name]
    readers = {key: encoded.reader(key, kind) for key, kind in endpoint.inputs.items()}
    specs, takes = [], {}
    for key, kind in endpoint.inputs.items():
        if reader := readers[key]:
            specs.append(tf.TensorSpec((None,), tf.string, name=reader.key))
            takes[reader.key] = f"string (n,), each {reader.says}"
        else:
            specs.append(tf.TensorSpec((None, *kind.shape), kind.model, name=key))
            takes[key] = f"{kind.model} {shape_text(('n', *kind.shape))}"

    def ask(*values):
        inputs = {
            key: readers[key].read(value) if readers[key] else value
            for key, value in zip(endpoint.inputs, values, strict=True)
        }
        return dict([encoded.written(endpoint.output, sampling.ask(model, name, inputs))])

    gives = dict([encoded.written_as(endpoint.output)])
    return Signature(traced(ask, specs), takes, gives, tables(readers))


def sample(model: AdversarialModel) -> Signature:
    """(count, seed[, label]) -> stored answers of `generate`; a label of -1 lets the seeds draw classes."""
    endpoint = model.endpoints["generate"]
    classes = {key: kind.num_classes for key, kind in endpoint.conditions.items()}

    def generate(count, seed, *labels):
        labels = dict(zip(classes, labels, strict=True))
        with tf.control_dependencies(checks(endpoint, count, labels)):
            seeds = seeds_from(count, seed)
        inputs = chosen(sampling.draw(model, "generate", seeds), labels)
        answer = endpoint.output.to_stored(sampling.ask(model, "generate", inputs))
        return {endpoint.output.plural: answer, **{key: inputs[key] for key in classes}}

    specs = [*seed_specs(), *[tf.TensorSpec((), tf.int32, name=key) for key in classes]]
    kind = endpoint.output
    takes = seed_words(kind.nbytes) | dict.fromkeys(classes, "int32 () class, -1 to draw it")
    gives = {kind.plural: f"{kind.stored} {shape_text(('count', *kind.shape))}"}
    return Signature(traced(generate, specs), takes, gives | dict.fromkeys(classes, "int32 (count,)"))


def sample_encoded(model: AdversarialModel) -> Signature:
    """(count, seed, truncation, conditions) -> files of `generate`.

    A truncation of 0 leaves it out. Each condition is given once, for all answers: a class by its number or -1, a text
    as a text, a picture or sound as a file, other data as numbers in model form.
    """
    endpoint = model.endpoints["generate"]
    conditions = endpoint.conditions
    readers = {key: encoded.reader(key, kind) for key, kind in conditions.items()}
    specs, takes = [*seed_specs(), TRUNCATION], seed_words(endpoint.output.nbytes)
    takes["truncation"] = TRUNCATION_WORDS
    for key, kind in conditions.items():
        if reader := readers[key]:
            specs.append(tf.TensorSpec((), tf.string, name=reader.key))
            takes[reader.key] = f"string (), {reader.says}"
        else:
            specs.append(tf.TensorSpec(kind.shape, kind.model, name=key))
            words = " class, -1 to draw it" if isinstance(kind, ClassLabel) else ""
            takes[key] = f"{kind.model} {shape_text(kind.shape)}{words}"

    def generate(count, seed, truncation, *values):
        given = dict(zip(conditions, values, strict=True))
        labels = {key: given.pop(key) for key, kind in conditions.items() if isinstance(kind, ClassLabel)}
        with tf.control_dependencies([*checks(endpoint, count, labels), check_truncation(truncation)]):
            seeds = seeds_from(count, seed)
        one = {key: readers[key].read(value[None])[0] if readers[key] else value for key, value in given.items()}
        whole = sampling.draw(model, "generate", seeds, one)
        cut = sampling.draw(model, "generate", seeds, one, tf.where(truncation > 0, truncation, 1.0))
        noise = {key: tf.where(truncation > 0, cut[key], whole[key]) for key in endpoint.noise}
        inputs = chosen(whole | noise, labels)
        made = encoded.written(endpoint.output, sampling.ask(model, "generate", inputs))
        return dict([made]) | {key: inputs[key] for key in labels}

    gives = dict([encoded.written_as(endpoint.output)])
    gives |= {key: "int32 (count,)" for key, kind in conditions.items() if isinstance(kind, ClassLabel)}
    return Signature(traced(generate, specs), takes, gives, tables(readers))


def latents(model: AdversarialModel) -> Signature:
    """(count, seed, truncation) -> the noise of which the answers to seeds are made: to walk between them, to mix.

    An endpoint whose noise is given what `latents` answers to a seed gives what it gives to this seed.
    """
    names = noises(model)

    def drawn(seed, truncation=None):
        with model.noise.drawing(seed, truncation):
            made = model.latents(1)
        return {name: made[name][0] for name in names}

    shapes = {name: value.shape for name, value in drawn(tf.constant(0, tf.int64)).items()}
    nbytes = 4 * sum(math.prod(shape) for shape in shapes.values())
    spec = {name: tf.TensorSpec(shape, tf.float32) for name, shape in shapes.items()}

    def one(seed, truncation):
        whole, cut = drawn(seed), drawn(seed, tf.where(truncation > 0, truncation, 1.0))
        return {name: tf.where(truncation > 0, cut[name], whole[name]) for name in names}

    def draw(count, seed, truncation):
        with tf.control_dependencies([check_count(count, nbytes), check_truncation(truncation)]):
            seeds = seeds_from(count, seed)
        return tf.map_fn(lambda seed: one(seed, truncation), seeds, fn_output_signature=spec)

    takes = seed_words(nbytes) | {"truncation": TRUNCATION_WORDS}
    gives = {name: f"float32 {shape_text(('count', *shape))}" for name, shape in shapes.items()}
    return Signature(traced(draw, [*seed_specs(), TRUNCATION]), takes, gives)


# === What they share ===
TRUNCATION, TRUNCATION_WORDS = tf.TensorSpec((), tf.float32, name="truncation"), "float32 (), 0 for none"


def check_count(count, nbytes: int) -> tf.Operation:
    """An assertion on a number of answers of `nbytes` each."""
    limit = most(nbytes)
    right = (count >= 1) & (count <= limit)
    return tf.debugging.assert_equal(right, True, f"count must be a number from 1 to {limit}.")


def check_truncation(truncation) -> tf.Operation:
    """An assertion on a truncation, of which 0 is none."""
    right = (truncation >= 0) & (truncation < float("inf"))
    return tf.debugging.assert_equal(right, True, "truncation must be a number of 0 (none) or more.")


def seeds_from(count, seed) -> tf.Tensor:
    """seed, seed + 1, ...: int64 (count,)."""
    return seed + tf.range(tf.cast(count, tf.int64))


def checks(endpoint: Endpoint, count, labels: dict[str, Any]) -> list[tf.Operation]:
    """Assertions on a number of answers and on classes."""
    made = [check_count(count, endpoint.output.nbytes)]
    for key, value in labels.items():
        below = endpoint.conditions[key].num_classes
        fits = (value >= -1) & (value < below)
        made.append(tf.debugging.assert_equal(fits, True, f"{key} must be -1, or from 0 to {below - 1}."))
    return made


def chosen(inputs: dict[str, Any], labels: dict[str, Any]) -> dict[str, Any]:
    """`inputs` with the classes that were asked for; -1 leaves the drawn ones."""
    return inputs | {key: tf.where(value < 0, inputs[key], value) for key, value in labels.items()}


def seed_specs() -> list[tf.TensorSpec]:
    """The inputs of all `sample` signatures."""
    return [tf.TensorSpec((), tf.int32, name="count"), tf.TensorSpec((), tf.int64, name="seed")]


def seed_words(nbytes: int) -> dict[str, str]:
    """What `seed_specs` are, for people; an answer takes `nbytes`."""
    return {"count": f"int32 () from 1 to {most(nbytes)}", "seed": "int64 ()"}


def traced(function: Callable, specs: list[tf.TensorSpec]) -> Any:
    """The function as one graph."""
    return tf.function(function).get_concrete_function(*specs)


def tables(readers: dict[str, encoded.Reader | None]) -> tuple[tf.lookup.StaticHashTable, ...]:
    """The tables of those readers that have one."""
    return tuple(reader.table for reader in readers.values() if reader and reader.table is not None)


def shape_text(shape: Iterable) -> str:
    """("n", 8) -> "(n, 8)"."""
    return f"({', '.join('any' if side is None else str(side) for side in shape)})"
