"""What every data source has in common: its settings (`BaseSource`) and what it opens to (`Data`)."""

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter, ValidationError, field_validator

from tfgan_zoo.errors import ZooError, unknown

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


class BaseSource(BaseModel):
    """The `[data]` table of an experiment. Each module of `data/sources` has one subclass, named `Source`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: str
    split: str = "train"
    transforms: list[str | dict[str, Any]] = []
    batch_size: PositiveInt = 64
    cache: Literal["auto"] | bool = "auto"

    @field_validator("transforms")
    @classmethod
    def _transforms_exist(cls, value):
        resolve(value)
        return value

    def open(self, element_spec: Mapping[str, "tf.TensorSpec"], *, split: str | None = None) -> "Data":
        """Find the data and make it ready to deliver what `element_spec` asks for (specs of ONE element).

        `image` is delivered as uint8 (h, w, c) whatever its dtype in the spec, `label` and the rest in the
        spec's dtype. `split` stands in for the configured one.

        Raises: ZooError when the data is not there, cannot be read or does not have what the spec asks for.
        """
        return self._open(Spec(element_spec), split or self.split)

    def _open(self, spec: "Spec", split: str) -> "Data":
        raise NotImplementedError

    def prepare(self, spec: "Spec") -> Callable[["np.ndarray"], "np.ndarray"]:
        """The function from a picture as it is to one as the model wants it (both uint8, h, w, c)."""
        from tfgan_zoo.data.images import bend

        steady, _ = resolve(self.transforms)

        def function(image):
            for transform in steady:
                image = transform(image)
            return bend(image, spec.image_shape)

        return function


class Spec(dict):
    """An element specification as {key: (shape, dtype name)}; image dtypes are uint8, as they are
    delivered.
    """

    def __init__(self, element_spec: Mapping[str, "tf.TensorSpec"]):
        import tensorflow as tf

        super().__init__()
        for key, value in element_spec.items():
            shape = tuple(value.shape)
            if None in shape:
                raise ZooError(f"element_spec: {key} has shape {shape}; data needs whole sizes, without None.")
            if key == "image" and (len(shape) != 3 or shape[2] not in (1, 3)):
                raise ZooError(f"element_spec: image has shape {shape}; it must be (height, width, 1 or 3).")
            self[key] = (shape, "uint8" if key == "image" else tf.as_dtype(value.dtype).name)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        if "image" not in self:
            raise ZooError(f"this data source delivers images; the model wants only {', '.join(self)}.")
        return self["image"][0]

    def require(self, delivered: Iterable[str], source: str) -> None:
        """Raise ZooError when a key is wanted that the source does not deliver."""
        delivered = list(delivered)
        for key in self:
            if key not in delivered:
                raise ZooError(f"{source} has no {key!r}, which the model wants; it has {', '.join(delivered)}.")


class Data:
    """An opened source: `batches` to train on, `examples` to evaluate on, `facts` to write down.

    Args:
        spec: what is delivered.
        columns: {key: something that an int64 array of places indexes, giving one row per place}.
        source: the settings it was opened with.
        line: one line that says what the data is.
        identity: JSON-able; whatever tells this data from other data. With `spec` and the transforms that
            run before the cache it makes `facts["fingerprint"]`: equal fingerprints, equal `examples`.

    Attributes:
        num_examples: int.
        num_classes: int, or None without labels.
        class_names: tuple of str, or None.
        facts: JSON-able: source, split, examples, classes, image_shape (on the disk; None where it varies),
            skipped ({"count", "names"}), cached, cached_bytes, fingerprint, transforms.
    """

    def __init__(
        self,
        spec: Spec,
        columns: Mapping[str, Any],
        *,
        source: BaseSource,
        split: str,
        line: str,
        identity: Any,
        num_examples: int,
        num_classes: int | None = None,
        class_names: Iterable[str] | None = None,
        image_shape: tuple[int | None, ...] | None = None,
        skipped: Sequence[str] = (),
        cached_bytes: int = 0,
        more: Mapping[str, Any] | None = None,
    ):
        self.spec, self.columns = spec, columns
        self.num_examples, self.num_classes = int(num_examples), num_classes
        self.class_names = tuple(class_names) if class_names is not None else None
        steady, self.augment = resolve(source.transforms)
        if num_examples < 1:
            raise ZooError(f"{line} has no examples; give another data.split.")
        self._check_labels(line)
        self._check_augment()
        told = [t for t in source.transforms if not _name(t).startswith("random_")] if steady else []
        self.facts = {
            "source": line,
            "split": split,
            "examples": self.num_examples,
            "classes": num_classes,
            "image_shape": list(image_shape) if image_shape else None,
            "skipped": {"count": len(skipped), "names": list(skipped[:5])},
            "cached": cached_bytes > 0,
            "cached_bytes": int(cached_bytes),
            "transforms": source.transforms,
            "fingerprint": fingerprint([identity, split, self.num_examples, spec, told]),
            **(more or {}),
        }

    def _check_labels(self, line: str) -> None:
        if "label" not in self.spec or "label" not in self.columns:
            return
        import numpy as np

        labels = np.asarray(self.columns["label"])
        if labels.min() == labels.max():
            raise ZooError(
                f"{line}: labels that are all equal ({labels[0]}) for a conditional family; "
                "give data with two classes or more, or an unconditional family."
            )

    def _check_augment(self) -> None:
        """Try the random transforms before training starts."""
        if not self.augment or "image" not in self.spec:
            return
        import numpy as np

        images = np.zeros((2, *self.spec.image_shape), np.uint8)
        try:
            result = self._augmented({"image": images}, 0, np.arange(2))["image"]
        except ValueError as error:
            raise ZooError(f"data.transforms: {error}") from None
        if result.shape != images.shape:
            raise ZooError(f"data.transforms: a random transform made {result.shape[1:]} of {images.shape[1:]}.")

    def batches(
        self, batch_size: int, *, seed: int = 0, start: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> "tf.data.Dataset":
        """Endless batches {key: (batch_size, ...)} for training, `image` as uint8.

        Batch k is a function of (seed, k): element n = k * batch_size + i is the one at place n mod N in
        the random order of epoch n div N, changed by the random transforms with draws keyed by (seed, n).
        Each epoch shows every example once. `start=k` begins at batch k, at once. `shard=(i, m)`: only part
        i of m of every batch, for worker i of m (the dataset's automatic sharding is off).

        Raises: ZooError when m does not divide `batch_size`.
        """
        import tensorflow as tf

        low, high = _part(batch_size, shard)

        def make(k):
            import numpy as np

            from tfgan_zoo.data.keyed import permutation

            n = k * batch_size + np.arange(low, high)
            epochs, places = np.divmod(n, self.num_examples)
            rows = np.empty_like(n)
            for epoch in np.unique(epochs):
                held = orders[0]  # the order of the epoch last seen; several iterators may be at work
                if held[0] != epoch:
                    held = orders[0] = (epoch, permutation(self.num_examples, seed, 0, int(epoch)))
                rows[epochs == epoch] = held[1][places[epochs == epoch]]
            return self._augmented(self._rows(rows), seed, n)

        orders: list[tuple] = [(-1, None)]
        counter = tf.data.Dataset.range(start, tf.int64.max)
        return finish(counter.map(self._in_graph(make, high - low)))

    def examples(self, batch_size: int, limit: int | None = None) -> "tf.data.Dataset":
        """One pass in order, without random transforms: batches of `batch_size`, the last may be smaller."""
        import tensorflow as tf

        total = self.num_examples if limit is None else min(limit, self.num_examples)

        def make(first):
            import numpy as np

            return self._rows(np.arange(first, min(first + batch_size, total)))

        dataset = tf.data.Dataset.range(0, total, batch_size).map(self._in_graph(make, None))
        return finish(dataset.apply(tf.data.experimental.assert_cardinality(-(-total // batch_size))))

    def _rows(self, rows: "np.ndarray") -> dict[str, "np.ndarray"]:
        return {key: self.columns[key][rows] for key in self.spec}

    def _augmented(self, batch: dict, seed: int, n: "np.ndarray") -> dict:
        """Apply the random transforms to the freshly gathered images of elements `n` of a run."""
        from tfgan_zoo.data.keyed import uniform

        if "image" in self.spec:
            for place, transform in enumerate(self.augment):
                batch["image"] = transform(batch["image"], lambda i, place=place: uniform(seed, 1 + place, n, i))
        return batch

    def _in_graph(self, make: Callable[[Any], dict], size: int | None) -> Callable:
        """`make(number) -> {key: array}` as a function of a tensor, with the shapes that TensorFlow cannot
        see.
        """
        import numpy as np
        import tensorflow as tf

        dtypes = [tf.as_dtype(dtype) for _, dtype in self.spec.values()]

        def arrays(number):
            batch = make(int(number))
            return [
                batch[key] if dtype == tf.string else np.ascontiguousarray(batch[key], dtype.as_numpy_dtype)
                for key, dtype in zip(self.spec, dtypes, strict=True)
            ]

        def function(number):
            tensors = tf.numpy_function(arrays, [number], dtypes)
            for tensor, (shape, _) in zip(tensors, self.spec.values(), strict=True):
                tensor.set_shape((size, *shape))
            return dict(zip(self.spec, tensors, strict=True))

        return function


def finish(dataset: "tf.data.Dataset") -> "tf.data.Dataset":
    """Prefetch, keep the order, and leave sharding to `batches(shard=)`."""
    import tensorflow as tf

    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def _part(batch_size: int, shard: tuple[int, int]) -> tuple[int, int]:
    index, count = shard
    if batch_size % count or not 0 <= index < count:
        raise ZooError(f"data.batch_size {batch_size} cannot be shared by {count} workers: use a multiple of {count}.")
    return index * (batch_size // count), (index + 1) * (batch_size // count)


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON-able value: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def subset(split: str, names: Iterable[str], count: Callable[[str], int]) -> tuple[str, range]:
    """Read a split as tfds writes it, such as `train[:1000]` or `train[90%:]`: its name and the places it
    takes.

    Args: `names`, the splits there are; `count(name)`, how many examples one has. Raises: ZooError.
    """
    names = list(names)
    match = re.fullmatch(r"([^\[\]]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    if not match:
        raise ZooError(f"data.split {split!r} cannot be read: write a name, or a slice such as {names[0]}[:1000].")
    name, first, last = match.groups()
    if name not in names:
        raise unknown("split", name, names, "data.split")
    total = count(name)

    def place(text: str | None, default: int) -> int:
        if not text:
            return default
        value = round(int(text.rstrip("%")) * total / 100) if "%" in split else int(text)
        return min(max(value + total if value < 0 else value, 0), total)

    places = range(place(first, 0), place(last, total))
    if not places:
        raise ZooError(f"data.split {split!r} holds no example: {name} has {total:,}.")
    return name, places


def resolve(entries: list) -> tuple[list[Callable], list[Callable]]:
    """The functions that `transforms` names, arguments bound: those that run once, and the random ones.

    Raises: ZooError for an unknown name or an argument that does not fit.
    """
    from tfgan_zoo.data import transforms

    known = {
        name: value
        for name, value in vars(transforms).items()
        if inspect.isfunction(value) and value.__module__ == transforms.__name__ and not name.startswith("_")
    }
    steady, random = [], []
    for entry in entries:
        if isinstance(entry, dict) and len(entry) != 1:
            raise ZooError(f"data.transforms: {entry} must have one name, as in {{ center_crop = 178 }}.")
        name = _name(entry)
        if name not in known:
            raise unknown("transform", name, known, "data.transforms")
        arguments = [] if isinstance(entry, str) else [entry[name]]
        (random if name.startswith("random_") else steady).append(_bound(name, known[name], arguments))
    return steady, random


def _name(entry: str | dict) -> str:
    return entry if isinstance(entry, str) else next(iter(entry))


def _bound(name: str, function: Callable, arguments: list) -> Callable:
    """`function` with what a preset gives after its image arguments, checked against its annotations."""
    signature = inspect.signature(function)
    images = 2 if name.startswith("random_") else 1
    own = list(signature.parameters.values())[images:]
    usage = f"{name}({', '.join(str(p).split(':')[0] for p in own)})"
    given = arguments[0] if arguments and isinstance(arguments[0], dict) else {}
    given = given or dict(zip([p.name for p in own], arguments, strict=False))
    if len(given) < len(arguments) or any(key not in {p.name for p in own} for key in given):
        raise ZooError(f"data.transforms: {name} does not take {arguments[0]!r}; it is {usage}.")
    hints = get_type_hints(function, include_extras=True)
    for parameter in own:
        if parameter.name not in given:
            if parameter.default is parameter.empty:
                raise ZooError(f"data.transforms: {name} needs {parameter.name}; it is {usage}.")
            continue
        try:
            TypeAdapter(hints[parameter.name]).validate_python(given[parameter.name], strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            got = given[parameter.name]
            raise ZooError(f"data.transforms: {name}: {parameter.name} = {got!r}: {reason}.") from None
    return lambda *images: function(*images, **given)
