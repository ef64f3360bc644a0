"""Forms for people: which controls a question needs, from the signatures of a SavedModel and what it declares.

No page is drawn here, and no family is known: a form follows from the names, types and shapes of a signature's inputs
and from `endpoints` in `assets.extra/tfgan_zoo.json`. Models without that file get plainer controls.
"""

import base64
import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Modality, Points, Text, Video, Voxels
from tfgan_zoo.serving.refusals import Refused

MOST_SLIDERS = 8  # numbers of one input that are moved by hand; longer ones are drawn from a seed
MOST_ANSWERS = 16
LONGEST_LINE = 4000  # characters of a command that people still paste
LAST_SEED = 9999  # of the slider; any other may be typed

# What `sample` of generators is called, the best for people first.
SAMPLES = ("sample_png", "sample_wav", "sample")
PICTURE = "your picture"  # the key of the picture with which an edit begins; no input has a blank in its name
ENCODED = ("_png", "_wav", "_text", "")


@dataclasses.dataclass(frozen=True)
class Control:
    """One thing to set.

    Attributes:
        key: the input it is for.
        kind: "slider", "seed", "menu", "text" or "file".
        label: for people.
        low, high, step, start: of a slider; a seed and a menu have a start, too.
        size: how many sliders stand side by side, as the numbers of a vector; 0 for one number alone.
        choices: of a menu, {value: name}.
        accept: of a file, as HTML wants it.
        reads: what the file holds, where the signature takes its numbers instead of its bytes.
        hint: what people should know.
    """

    key: str
    kind: str
    label: str
    low: float = 0
    high: float = 1
    step: float = 1
    start: Any = 0
    size: int = 0
    choices: Mapping[int, str] = dataclasses.field(default_factory=dict)
    accept: str = ""
    reads: Modality | None = None
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Question:
    """A form, and the signature that answers it.

    Attributes:
        title, says: for people.
        signature: its name.
        controls: what to set, in order.
        output: the key of the answers.
        shows: "pictures" (PNG files), "sounds" (WAV files), "films" (the zoo makes a GIF), "drawn" (the zoo draws a
            picture), "texts", "classes" or "numbers".
        drawn: inputs that come from `latents`, each by the seed of that name.
        kind: of the answers, where it is declared.
        walks: answers lead from `seed` to `to` through all noise.
    """

    title: str
    says: str
    signature: str
    controls: tuple[Control, ...]
    output: str
    shows: str
    drawn: tuple[str, ...] = ()
    kind: Modality | None = None
    walks: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """The inputs that are files."""
        return tuple(control.key for control in self.controls if control.kind == "file")


def questions(signatures: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Question]:
    """The questions that people can ask a model, the first declared first.

    Args:
        signatures: {name: what has `inputs` and `outputs`, {key: TensorSpec}}.
        facts: `assets.extra/tfgan_zoo.json`, or {}.
    """
    declared = facts.get("endpoints") or {}
    names = list(declared) or [name for name in signatures if is_endpoint(name, signatures)]
    found = []
    for name in names:
        about = _About(name, declared.get(name) or {}, facts.get("class_names") or (), signatures)
        if about.sample:
            found += [about.sampled()]
        asked = about.asked()
        if asked and not (about.sample and not any(control.size for control in asked.controls)):
            found.append(asked)
        if name == "generate":
            found += about.walked()
    return found


def edited(signatures: Mapping[str, Any], facts: Mapping[str, Any]) -> Question | None:
    """The form with which an edit begins: a seed, a picture and the conditions of `generate`.

    None where `generate` does not make pictures of one size out of noise alone and conditions that people can set, or
    where the export does not say so.
    """
    declared = (facts.get("endpoints") or {}).get("generate") or {}
    return _About("generate", declared, facts.get("class_names") or (), signatures).edited()


def is_endpoint(name: str, signatures: Mapping[str, Any]) -> bool:
    """Whether a signature is an endpoint's own: neither an encoded form, nor `sample`, nor a second name."""
    if name in (*SAMPLES, "latents") or (name == "serving_default" and len(signatures) > 1):
        return False
    return not any(name.endswith(end) and name.removesuffix(end) in signatures for end in ENCODED if end)


class _About:
    """What is known of one endpoint, and its forms."""

    def __init__(self, name: str, declared: Mapping[str, Any], class_names, signatures: Mapping[str, Any]):
        self.name, self.declared, self.class_names, self.signatures = name, declared, class_names, signatures
        self.inputs = declared.get("inputs", {})
        latents = signatures.get("latents")
        self.latents = tuple(latents.outputs) if latents else ()
        self.sample = next((s for s in SAMPLES if s in signatures), None) if name == "generate" else None

    def sampled(self) -> Question:
        """The form of the endpoint's `sample` signature."""
        controls = [self.control(key, spec) for key, spec in self.signatures[self.sample].inputs.items()]
        order = {"count": 2, "truncation": 1}
        controls = sorted((c for c in controls if c), key=lambda control: order.get(control.key, 0))
        return self.question(self.name, self.sample, controls)

    def asked(self) -> Question | None:
        """The form of the endpoint itself; None where an input can neither be drawn nor set by hand."""
        signature = next((self.name + end for end in ENCODED if self.name + end in self.signatures), None)
        if signature is None:
            return None
        controls, drawn = [], []
        for key, spec in self.signatures[signature].inputs.items():
            control = self.control(key, spec, row=True)
            if control is None and key in self.latents:
                drawn.append(key)
                control = seed(key, f"Seed of {key}", len(drawn) - 1)
            if control is None:
                return None
            controls.append(control)
        if drawn:
            controls.append(Control("count", "slider", "How many", 1, MOST_ANSWERS, start=4))
        title = f"{self.name}, by its numbers" if self.sample else self.name
        return self.question(title, signature, controls, tuple(drawn))

    def walked(self) -> list[Question]:
        """The form that leads from one seed to another, where all noise comes from seeds."""
        signature = next((self.name + end for end in ENCODED if self.name + end in self.signatures), None)
        inputs = self.signatures[signature].inputs if signature else {}
        drawn = tuple(key for key in inputs if key in self.latents)
        controls = [self.control(key, spec, row=True) for key, spec in inputs.items() if key not in drawn]
        if not drawn or None in controls:
            return []
        ends = [seed("seed", "From seed", 0), seed("to", "To seed", 1)]
        steps = Control("count", "slider", "Steps", 3, MOST_ANSWERS, start=8)
        found = self.question(f"{self.name}, between two seeds", signature, [*ends, *controls, steps], drawn)
        return [dataclasses.replace(found, walks=True)]

    def edited(self) -> Question | None:
        """The form that `edited` gives."""
        kind = kind_of(self.declared.get("output"))
        noise = {key: words for key, words in self.inputs.items() if words.get("kind") == "Noise"}
        known = noise and noise.keys() <= set(self.latents) and {"generate", "generate_png"} <= self.signatures.keys()
        sides = [side for words in noise.values() for side in words.get("shape", (None,))]
        if not known or type(kind) is not Image or None in (*kind.shape, *sides):
            return None
        given = {key: spec for key, spec in self.signatures["generate_png"].inputs.items() if key not in noise}
        controls = [self.control(key, spec, row=True) for key, spec in given.items()]
        if None in controls:
            return None
        mine = Control(PICTURE, "file", "Your picture", accept="image/png,image/jpeg", hint="in place of a seed")
        start = [seed("seed", "Seed", 0), *controls, mine]
        return Question("edit", "", "generate", tuple(start), kind.plural, "pictures", tuple(noise), kind)

    def question(self, title: str, signature: str, controls, drawn: tuple[str, ...] = ()) -> Question:
        """A question to a signature; what it shows follows from what the endpoint declares, or from the file format."""
        outputs = list(self.signatures[signature].outputs)
        files = next((key for key in outputs if key.endswith("_bytes")), None)
        output = files or next((key for key in outputs if key not in self.inputs), outputs[0])
        kind = kind_of(self.declared.get("output"))
        if files:
            sound = isinstance(kind, Audio) if kind else signature.endswith("_wav")
            shows = "sounds" if sound else "pictures"
        elif isinstance(kind, ClassLabel):
            shows = "classes"
        elif isinstance(kind, Video):
            shows = "films"
        elif isinstance(kind, Text) and kind.vocabulary:
            shows = "texts"
        else:
            shows = "drawn" if kind is not None and kind.visible and not kind.crowd else "numbers"
        says = self.declared.get("says", "")
        return Question(title, says, signature, tuple(controls), output, shows, drawn, kind)

    def control(self, key: str, spec, row: bool = False) -> Control | None:
        """The control of one input; None where it is not set by hand. `row`: the input has rows, all set alike."""
        sides = tuple(spec.shape)[1:] if row else tuple(spec.shape)
        name = key.removesuffix("_bytes")
        declared, label = self.inputs.get(name, {}), name.replace("_", " ").capitalize()
        if key == "count":
            return Control(key, "slider", "How many", 1, MOST_ANSWERS, start=8)
        if key == "seed" and not row:
            return seed(key, "Seed", 0)
        if key == "truncation" and not row:
            return Control(key, "slider", "Truncation", 0, 2, 0.05, 0.0, hint="0 is none; smaller is more alike")
        if spec.dtype.name == "string":
            return self.words_or_file(key, label, declared)
        if not sides and spec.dtype.is_integer:
            return self.menu(key, label, declared, can_draw=not row)
        if isinstance(kind := kind_of(declared), Video):
            hint = f"a GIF; its first {kind.shape[0]} frames are taken" if kind.shape[0] else "a GIF"
            return Control(key, "file", label, accept="image/gif,image/webp,image/png", reads=kind, hint=hint)
        if len(sides) == 1 and sides[0] and sides[0] <= MOST_SLIDERS and spec.dtype.is_floating:
            low, high = declared.get("low"), declared.get("high")
            low, high = -3 if low is None else low, 3 if high is None else high
            return Control(key, "slider", label, low, high, 0.01, (low + high) / 2, size=sides[0])
        return None

    def words_or_file(self, key: str, label: str, declared) -> Control:
        """A box for text, or a place for a file."""
        if not key.endswith("_bytes"):
            words = list(declared.get("vocabulary", ()))
            hint = f"{len(words):,} words, such as {', '.join(words[:12])}" if words else ""
            return Control(key, "text", label, start=" ".join(words[:3]), hint=hint)
        if declared.get("kind") == "Audio":
            return Control(key, "file", label, accept="audio/wav", hint=f"a WAV file at {declared.get('rate')} Hz")
        return Control(key, "file", label, accept="image/png,image/jpeg", hint="a PNG or JPEG file")

    def menu(self, key: str, label: str, declared, can_draw: bool) -> Control:
        """A menu of classes, or a number where nobody knows how many there are."""
        count = declared.get("num_classes")
        if not count:
            return Control(key, "slider", label, -1 if can_draw else 0, 999, start=-1 if can_draw else 0)
        names = self.class_names if key == "label" and len(self.class_names) == count else range(count)
        choices = {-1: "any"} if can_draw else {}
        choices |= dict(enumerate(map(str, names)))
        return Control(key, "menu", label, start=min(choices), choices=choices)


def seed(key: str, label: str, start: int) -> Control:
    """A control for a seed."""
    return Control(key, "seed", label, 0, LAST_SEED, start=start)


# === What an export declares ===
def declared(model, name: str) -> dict[str, Any]:
    """An endpoint as JSON: what it does, and {"kind": "Image", "shape": ...} of each input and of its output."""

    def words(kind):
        fields = dataclasses.fields(kind)
        return {"kind": type(kind).__name__} | {field.name: getattr(kind, field.name) for field in fields}

    endpoint, says = model.endpoints[name], getattr(model, name).__doc__ or ""
    return {
        "says": says.strip().partition("\n")[0].removeprefix("Endpoint: "),
        "inputs": {key: words(kind) for key, kind in endpoint.inputs.items()},
        "output": words(endpoint.output),
    }


def kind_of(words: Mapping[str, Any] | None) -> Modality | None:
    """The modality that `declared` has put into words; None where it is missing or unknown."""
    known = {kind.__name__: kind for kind in (ClassLabel, Audio, Image, Mask, Points, Text, Video, Voxels)}
    kind = known.get((words or {}).get("kind"))
    if kind is None:
        return None
    takes = ["num_classes"] if kind is ClassLabel else [field.name for field in dataclasses.fields(kind)]
    return kind(**{key: words[key] for key in takes if key in words})


# === Asking ===
def read(control: Control, name: str, content: bytes) -> bytes | np.ndarray:
    """What a file that was sent becomes in a request: its bytes, or the one datum that it holds in model form.

    Raises:
        Refused: a file that cannot be read.
    """
    kind = control.reads
    if kind is None:
        return content
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sent{Path(name).suffix}"
        path.write_bytes(content)
        try:
            datum = kind.fit(kind.read(path)[0])
        except ZooError:
            raise Refused("INVALID_ARGUMENT", f"{name[:60]}: cannot be read; {control.hint}") from None
    return np.asarray(kind.to_model(datum))


def written(kind: Modality, answer: np.ndarray) -> bytes:
    """An answer as a file of its kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"answer{kind.suffixes[0]}"
        kind.write(path, stored(kind, answer))
        return path.read_bytes()


def stored(kind: Modality, answer: np.ndarray) -> np.ndarray:
    """An answer as it is stored, which those of `sample` are already."""
    if answer.dtype == kind.stored:
        return answer
    return np.asarray(kind.to_stored(tf.convert_to_tensor(answer)))


def request(
    specs: Mapping[str, Any], values: Mapping[str, Any], latents: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The inputs of a question's signature.

    Args:
        specs: the signature's inputs.
        values: what is set, {key of a control: number, text, bytes, list of numbers or array}.
        latents: the inputs in the question's `drawn`, each (rows, ...).
    """
    rows = len(next(iter(latents.values()))) if latents else 1
    inputs = {}
    for key, spec in specs.items():
        if key in latents:
            inputs[key] = latents[key]
            continue
        value = values[key].encode() if isinstance(values[key], str) else values[key]
        array = np.asarray(value, object if isinstance(value, bytes) else spec.dtype.as_numpy_dtype)
        inputs[key] = np.repeat(array[None], rows, axis=0) if spec.shape.rank == array.ndim + 1 else array
    return inputs


def between(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """`steps` points on the straight line from `start` to `end`, both (...): (steps, ...)."""
    way = np.linspace(0, 1, steps, dtype=np.float32).reshape(-1, *[1] * start.ndim)
    return (1 - way) * start + way * end


def body(signature: str, inputs: Mapping[str, np.ndarray]) -> str:
    """The JSON that asks the same over REST."""

    def plain(key, value):
        if value.dtype == object and not key.endswith("_bytes"):
            texts = [text.decode() for text in value.ravel()]
            return texts if value.ndim else texts[0]
        if value.dtype == object:
            rows = [{"b64": base64.b64encode(content).decode()} for content in value.ravel()]
            return rows if value.ndim else rows[0]
        return value.tolist()

    sent = {key: plain(key, value) for key, value in inputs.items()}
    return json.dumps({"signature_name": signature, "inputs": sent}, ensure_ascii=False)


def curl(url: str, text: str, question: Question, outputs: int, token: bool, saved: str) -> str:
    """The command that asks the same; where `text` is too long for a line, it reads `request.json`.

    Args:
        url: of the model, without ":predict".
        text: from `body`.
        outputs: how many the signature has; a single one has no name in the answer.
        token: whether the server wants one.
        saved: the file in which the first answer is to be kept.
    """
    header = ' -H "Authorization: Bearer $TFGAN_ZOO_TOKEN"' if token else ""
    data = "@request.json" if len(text) > LONGEST_LINE or "'" in text else f"'{text}'"
    place = ".outputs[0]" if outputs == 1 else f".outputs.{question.output}[0]"
    keep = f" | jq -r '{place}.b64' | base64 -d > {saved}" if question.shows in ("pictures", "sounds") else ""
    return f"curl{header} -d {data} {url}:predict{keep}"
