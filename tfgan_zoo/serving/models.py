"""Models on the disk and in memory: versions, labels, and how new ones are taken up while the server runs.

<base>/<name>/1/  <base>/<name>/2/ ...   SavedModels, as `export` writes them; the newest two are held
<base>/<name>/labels.json                optional, {"stable": 1}: labelled versions are held too
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_status_pb2

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import warmup
from tfgan_zoo.serving.batching import Batcher
from tfgan_zoo.serving.refusals import Refused

HELD = 2  # versions
MOST_ROWS = 1024  # in one request
DEFAULT = "serving_default"
State = get_model_status_pb2.ModelVersionStatus


class Signature:
    """A function of a version.

    Attributes:
        name: of the signature.
        inputs, outputs: {name: tf.TensorSpec}.
        merges: whether rows of several requests may be computed together: each input and output has free rows.
    """

    def __init__(self, name: str, definition, function):
        self.name, self.function = name, function
        self.inputs, self.outputs = specs(definition.inputs), specs(definition.outputs)
        everything = [*self.inputs.values(), *self.outputs.values()]
        self.merges = bool(self.inputs) and all(s.shape.rank and s.shape[0] is None for s in everything)

    def check(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Raise Refused where inputs have other names, types or shapes than the signature."""
        if inputs.keys() != self.inputs.keys():
            raise Refused(
                "INVALID_ARGUMENT",
                f"inputs {sorted(inputs)[:20]} do not match those of signature {self.name}: {sorted(self.inputs)}",
            )
        for name, value in inputs.items():
            spec = self.inputs[name]
            if not spec.shape.is_compatible_with(value.shape):
                raise Refused("INVALID_ARGUMENT", f"{name} has shape {value.shape}; it must be {spec.shape}")
            if spec.dtype != tf.as_dtype(value.dtype):
                raise Refused("INVALID_ARGUMENT", f"{name} is {value.dtype}; it must be {spec.dtype.name}")
        rows = {len(value) for value in inputs.values()} if self.merges else {1}
        if len(rows) != 1 or not 1 <= max(rows) <= MOST_ROWS:
            raise Refused(
                "INVALID_ARGUMENT", f"inputs have {sorted(rows)} rows; each must have as many, from 1 to {MOST_ROWS}"
            )

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute. Raises Refused for what the model refuses."""
        with refusing():
            answers = self.function(**{name: tf.constant(value) for name, value in inputs.items()})
            return {name: np.asarray(value.numpy()) for name, value in answers.items()}


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn errors that a client is to blame for into Refused."""
    try:
        yield
    except ZooError as error:
        raise Refused("INVALID_ARGUMENT", str(error)) from None
    except (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError) as error:
        raise Refused("INVALID_ARGUMENT", reason(error)) from None
    except tf.errors.ResourceExhaustedError as error:
        raise Refused("RESOURCE_EXHAUSTED", reason(error)) from None


def reason(error: Exception) -> str:
    """What TensorFlow says, in one line, without the names of its graph's nodes."""
    found = str(error).partition("assertion failed: [")[2].partition("]")[0]
    lines = [line.strip() for line in str(error).splitlines()]
    noise = ("Graph execution error:", "Detected at node", "<stack traces unavailable>", "Stack trace for op")
    said = next((line for line in lines if line and not line.startswith(noise)), type(error).__name__)
    return (found or said)[:300]


def specs(tensors) -> dict[str, tf.TensorSpec]:
    """{name: TensorInfo} as TensorSpecs."""
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype))
        for name, info in sorted(tensors.items())
    }


class Version:
    """One version of a model, in memory and warm.

    Attributes:
        facts: what `export` wrote down about it.
        signatures: {name: Signature}.
    """

    def __init__(self, model: str, path: Path):
        self.model, self.number, self.facts = model, int(path.name), facts_of(path)
        saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        graph = next(graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags)
        self.definitions = dict(graph.signature_def.items())
        self._module = tf.saved_model.load(str(path))  # kept: its signatures do not keep it alive
        functions = self._module.signatures
        self.signatures = {name: Signature(name, self.definitions[name], functions[name]) for name in functions}
        self.batchers: dict[str, Batcher] = {}
        for name, inputs in warmup.read(path):
            self.signatures[name](inputs)

    def signature(self, name: str) -> Signature:
        """The signature of that name; "" is the default. Raises Refused."""
        if (name or DEFAULT) not in self.signatures:
            raise Refused(
                "INVALID_ARGUMENT",
                f'Serving signature name: "{(name or DEFAULT)[:60]}" not found in signature def; there are '
                f"{', '.join(self.signatures)}",
            )
        return self.signatures[name or DEFAULT]


def facts_of(path: Path) -> dict:
    """What `export` wrote down about a version; nothing where another program made it, or the file is damaged."""
    try:
        facts = json.loads((path / "assets.extra" / "tfgan_zoo.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def stamps(path: Path) -> list[tuple[str, int, int]]:
    """The files of a version with their sizes and times."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]


class Model:
    """One served model: its folder, the versions held, and what became of each."""

    def __init__(self, name: str, home: Path):
        self.name, self.home = name, home
        self.versions: dict[int, Version] = {}
        self.labels: dict[str, int] = {}
        self.states: dict[int, State] = {}
        self._failed: dict[int, list] = {}  # version -> its files when it could not be loaded

    async def refresh(self, retire: Callable[[Version], Awaitable[None]]) -> None:
        """Load what is new, then let go of what is no longer wanted; `retire` is awaited before it is forgotten."""
        on_disk = {int(path.name): path for path in self._entries() if path.name.isdecimal() and path.name.isascii()}
        self.labels = self._read_labels()
        for number in sorted({*sorted(on_disk)[-HELD:], *self.labels.values()} & on_disk.keys() - self.versions.keys()):
            await self._load(number, on_disk[number])
        good = {number for number in on_disk if number in self.versions}
        wanted = {*sorted(good)[-HELD:], *self.labels.values()} & good
        if not wanted:
            return  # an emptied folder takes nothing away from those who are asking
        for number in self.versions.keys() - wanted:
            version = self.versions.pop(number)
            self._note(number, State.UNLOADING)
            await retire(version)
            self._note(number, State.END)

    async def _load(self, number: int, path: Path) -> None:
        try:
            files = stamps(path)
            if self._failed.get(number) == files:
                return  # nothing has changed; a copy that was still going on would have
            self._note(number, State.LOADING)
            self._failed[number] = files
            self.versions[number] = await asyncio.to_thread(Version, self.name, path)
        except Exception as error:  # a broken version must not end the service of the others
            self._note(number, State.END, 2, f"{type(error).__name__}: {reason(error)}")
            console.note(f"{path}: cannot be served: {reason(error)}")
            return
        del self._failed[number]
        self._note(number, State.AVAILABLE)

    def _entries(self) -> list[Path]:
        try:
            return list(self.home.iterdir())
        except OSError:
            return []

    def _read_labels(self) -> dict[str, int]:
        """`labels.json`; what was known before where it cannot be read."""
        file = self.home / "labels.json"
        try:
            labels = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
            if not isinstance(labels, dict) or not all(type(number) is int for number in labels.values()):
                raise ValueError('it must look like {"stable": 1}')
            return labels
        except (OSError, ValueError) as error:
            console.note(f"{file}: cannot be read: {error}")
            return self.labels

    def _note(self, number: int, state: int, code: int = 0, message: str = "") -> None:
        self.states[number] = State(version=number, state=state)
        self.states[number].status.error_code, self.states[number].status.error_message = code, message


class Models:
    """The served models by name."""

    def __init__(self, homes: Mapping[str, Path]):
        self.by_name = {name: Model(name, home) for name, home in homes.items()}

    async def refresh(self, retire: Callable[[Version], Awaitable[None]]) -> None:
        """Look at the disk. Raises ZooError where a model has no version that can be served."""
        for model in self.by_name.values():
            await model.refresh(retire)
            if not model.versions:
                raise ZooError(f"{model.home}: holds no version that can be served: export it again.")

    def find(self, name: str, version: int | None = None, label: str | None = None) -> Version:
        """The version that is asked for, or the newest. Raises Refused."""
        model = self.by_name.get(name)
        held = {} if model is None else model.versions
        if label is not None and model is not None:
            if label not in model.labels:
                raise Refused("INVALID_ARGUMENT", f"Unrecognized servable version label: {label[:60]}")
            version = model.labels[label]
        number = max(held, default=None) if version is None else version
        if number not in held:
            what = f"Latest({name[:60]})" if version is None else f"Specific({name[:60]}, {version})"
            raise Refused("NOT_FOUND", f"Servable not found for request: {what}")
        return held[number]

    def status(self, name: str, version: int | None = None, label: str | None = None):
        """A `GetModelStatusResponse`, the newest version first. Raises Refused."""
        model = self.by_name.get(name)
        if label is not None and model is not None:
            version = self.find(name, label=label).number
        states = {} if model is None else model.states
        chosen = sorted(states, reverse=True) if version is None else [number for number in states if number == version]
        if not chosen:
            which = "" if version is None else f" {version}"
            raise Refused("NOT_FOUND", f"Could not find any versions of model {name[:60]}{which}")
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=[states[n] for n in chosen])
