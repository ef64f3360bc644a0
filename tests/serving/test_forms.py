"""Which controls a page needs for which declaration, and the requests that they send."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Points, Text, Video, Voxels
from tfgan_zoo.serving import forms
from tfgan_zoo.serving.refusals import Refused

STRING, FLOAT, INT = tf.string, tf.float32, tf.int32


def signature(outputs, **inputs):
    """What a signature takes and gives: {key: (shape, dtype)}."""
    return SimpleNamespace(
        inputs={key: tf.TensorSpec(shape, dtype) for key, (shape, dtype) in inputs.items()},
        outputs=dict.fromkeys(outputs.split()),
    )


SEEDS = {"count": ((), INT), "seed": ((), tf.int64), "truncation": ((), FLOAT)}
LATENTS = signature("z", **SEEDS)


def facts(class_names=None, **endpoints):
    """What an export writes down, read back from JSON."""
    model = SimpleNamespace(endpoints=endpoints, **{name: lambda: None for name in endpoints})
    declared = {name: forms.declared(model, name) for name in endpoints}
    return json.loads(json.dumps({"endpoints": declared, "class_names": class_names}))


def controls(question):
    return {control.key: control for control in question.controls}


def test_a_class_is_chosen_from_a_menu_by_its_name():
    image, label = Image((8, 8, 1)), ClassLabel(3)
    found = {
        "generate": signature("images", z=((None, 100), FLOAT), label=((None,), INT)),
        "generate_png": signature("images_bytes", z=((None, 100), FLOAT), label=((None,), INT)),
        "sample_png": signature("images_bytes label", label=((), INT), **SEEDS),
        "latents": LATENTS,
    }
    endpoint = Endpoint({"z": Noise((100,)), "label": label}, image, ("generator",))
    sample, walk = forms.questions(found, facts(["cat", "dog", "cow"], generate=endpoint))
    assert controls(sample)["label"].choices == {-1: "any", 0: "cat", 1: "dog", 2: "cow"}
    assert list(controls(sample)) == ["label", "seed", "truncation", "count"] and sample.shows == "pictures"
    assert walk.walks and walk.drawn == ("z",) and list(controls(walk)) == ["seed", "to", "label", "count"]
    assert controls(walk)["label"].choices == {0: "cat", 1: "dog", 2: "cow"}  # one class for the whole walk
    numbered = forms.questions(found, facts(["cat"], generate=endpoint))[0]  # names of other data are not taken
    assert controls(numbered)["label"].choices == {-1: "any", 0: "0", 1: "1", 2: "2"}


def test_short_noise_is_moved_and_long_noise_is_drawn():
    noise = {"z": Noise((512,)), "other": Noise((512,)), "code": Noise((2,), low=-1, high=1)}
    rows = {key: ((None, *kind.shape), FLOAT) for key, kind in noise.items()} | {"level": ((None,), INT)}
    found = {"mix": signature("images", **rows), "latents": signature("z other code", **SEEDS)}
    mix = Endpoint({**noise, "level": ClassLabel(4)}, Image((8, 8, 3)), ("generator",))
    (question,) = forms.questions(found, facts(mix=mix))
    assert question.drawn == ("z", "other")
    assert (controls(question)["z"].kind, controls(question)["z"].start, controls(question)["other"].start) == (
        "seed",
        0,
        1,
    )
    code = controls(question)["code"]
    assert (code.kind, code.size, code.low, code.high) == ("slider", 2, -1, 1)
    assert len(controls(question)["level"].choices) == 4
    assert forms.questions({"mix": found["mix"]}, facts(mix=mix)) == []  # nobody can type 512 numbers


def test_files_texts_and_what_is_shown():
    picture, sound, words = Image((8, 8, 3)), Audio((40, 1), rate=800), Text((4,), ("red", "cat"))
    ends = {
        "translate": (Endpoint({"x": picture}, picture, ("g",)), signature("images_bytes", x_bytes=((None,), STRING))),
        "echo": (Endpoint({"y": sound}, sound, ("g",)), signature("audio_bytes", y_bytes=((None,), STRING))),
        "classify": (Endpoint({"x": picture}, ClassLabel(3), ("g",)), signature("logits", x_bytes=((None,), STRING))),
        "embed": (Endpoint({"t": words}, Points((4,)), ("g",)), signature("points", t=((None,), STRING))),
        "solid": (Endpoint({"t": words}, Voxels((8, 8, 8, 1)), ("g",)), signature("voxels", t=((None,), STRING))),
    }
    suffix = {"echo": "_wav", "embed": "_text", "solid": "_text"}
    found = {name + suffix.get(name, "_png"): signature for name, (_, signature) in ends.items()}
    asked = {q.title: q for q in forms.questions(found, facts(**{name: e for name, (e, _) in ends.items()}))}
    assert {name: q.shows for name, q in asked.items()} == {
        "translate": "pictures",
        "echo": "sounds",
        "classify": "classes",
        "embed": "numbers",
        "solid": "drawn",
    }
    assert asked["translate"].files == ("x_bytes",) and "png" in controls(asked["translate"])["x_bytes"].accept
    assert controls(asked["echo"])["y_bytes"].accept == "audio/wav" and "800" in controls(asked["echo"])["y_bytes"].hint
    assert controls(asked["embed"])["t"].kind == "text" and "red, cat" in controls(asked["embed"])["t"].hint
    assert asked["solid"].kind == Voxels((8, 8, 8, 1))


def test_films_and_texts_come_as_files_and_go_as_files(tmp_path):
    film, words = Video((3, 8, 8, 1)), Text((4,), ("red", "cat"))
    found = {
        "predict": signature("videos", video=((None, 3, 8, 8, 1), FLOAT)),
        "say": signature("texts", label=((None,), INT)),
    }
    ends = {
        "predict": Endpoint({"video": film}, film, ("g",)),
        "say": Endpoint({"label": ClassLabel(2)}, words, ("g",)),
    }
    predict, say = forms.questions(found, facts(**ends))
    assert (predict.shows, say.shows) == ("films", "texts") and say.kind.decode([[3, 2, 0, 0]]) == ["cat red"]
    assert forms.stored(words, np.eye(4)[None, [3, 2, 0, 0]]).tolist() == [[3, 2, 0, 0]]  # logits
    (control,) = predict.controls
    assert control.kind == "file" and "gif" in control.accept and "first 3 frames" in control.hint
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    film.write(tmp_path / "a.gif", frames)
    sent = forms.read(control, "a.gif", (tmp_path / "a.gif").read_bytes())
    np.testing.assert_allclose((sent + 1) * 127.5, frames[:3], atol=1)
    asked = forms.request(found["predict"].inputs, {"video": sent}, {})
    assert asked["video"].shape == (1, 3, 8, 8, 1) and asked["video"].dtype == np.float32
    again = forms.read(control, "b.gif", forms.written(film, sent))
    np.testing.assert_allclose(again, sent, atol=0.01)
    kept = forms.stored(film, sent[None])  # as `sample` gives it
    assert kept.dtype == np.uint8 and forms.written(film, kept[0]) == forms.written(film, sent)
    for content in (b"no film", b""):
        with pytest.raises(Refused, match="b.gif: cannot be read; a GIF"):
            forms.read(control, "b.gif", content)
    assert forms.read(forms.Control("x", "file", "X"), "x.png", b"as it is") == b"as it is"


def test_an_export_that_declares_nothing_has_plain_controls():
    found = {
        "generate": signature("images", z=((None, 100), FLOAT)),
        "serving_default": signature("images", z=((None, 100), FLOAT)),
        "sample_png": signature("images_bytes", label=((), INT), **SEEDS),
        "translate_png": signature("images_bytes", x_bytes=((None,), STRING)),
    }
    sample, translate = forms.questions(found, {})
    assert (sample.signature, sample.shows, controls(sample)["label"].kind) == ("sample_png", "pictures", "slider")
    assert translate.files == ("x_bytes",)


def test_requests_have_the_shapes_of_the_signature():
    rows = {key: tf.TensorSpec(shape, dtype) for key, (shape, dtype) in {
        "z": ((None, 3), FLOAT), "label": ((None,), INT), "text": ((None,), STRING), "code": ((None, 2), FLOAT),
    }.items()}  # fmt: skip
    values = {"label": 2, "text": "größe", "code": [0.5, -1], "count": 4}
    inputs = forms.request(rows, values, {"z": np.ones((4, 3), np.float32)})
    assert {key: value.shape for key, value in inputs.items()} == {
        "z": (4, 3),
        "label": (4,),
        "text": (4,),
        "code": (4, 2),
    }
    assert inputs["label"].dtype == np.int32 and inputs["code"].dtype == np.float32
    scalars = {key: tf.TensorSpec(shape, dtype) for key, (shape, dtype) in SEEDS.items()}
    inputs = forms.request(scalars | {"x_bytes": tf.TensorSpec((), STRING)}, {
        "count": 2, "seed": 7, "truncation": 0.5, "x_bytes": b"\x89PNG",
    }, {})  # fmt: skip
    assert inputs["seed"].dtype == np.int64 and all(value.shape == () for value in inputs.values())
    assert json.loads(forms.body("sample_png", inputs))["inputs"] == {
        "count": 2,
        "seed": 7,
        "truncation": 0.5,
        "x_bytes": {"b64": "iVBORw=="},
    }


def test_the_way_between_two_seeds():
    way = forms.between(np.zeros(2, np.float32), np.ones(2, np.float32), 5)
    np.testing.assert_array_equal(way[:, 0], [0, 0.25, 0.5, 0.75, 1])


def test_the_command_that_asks_the_same():
    question = forms.Question("g", "", "sample_png", (), "images_bytes", "pictures")
    line = forms.curl("http://h/v1/models/m", "{}", question, 1, False, "m.png")
    assert line == "curl -d '{}' http://h/v1/models/m:predict | jq -r '.outputs[0].b64' | base64 -d > m.png"
    two = forms.curl("http://h/v1/models/m", "{}", question, 2, True, "m.png")
    assert ".outputs.images_bytes[0]" in two and "Bearer $TFGAN_ZOO_TOKEN" in two
    for long in ("x" * 5000, '{"text": "it\'s"}'):
        assert "-d @request.json" in forms.curl("http://h", long, question, 1, False, "m.png")
