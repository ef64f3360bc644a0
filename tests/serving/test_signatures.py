"""Signatures that take and give files: pictures, sounds and texts, warm-up requests."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
import toys
from keras import layers
from PIL import Image as Picture

from tfgan_zoo import images
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.modalities import Audio, Image, Points, Text
from tfgan_zoo.serving import encoded, savedmodel, verify, warmup
from tfgan_zoo.serving.signatures import MOST, MOST_BYTES, most


class Captioned(AdversarialModel):
    """Pictures from noise and a text; `echo` of a sound, `size` of a picture of any size, `count` of words."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = 4
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image((8, 8, 3)), "text": Text((4,), ("red", "cat", "größe"))}

    def build_networks(self):
        z, text = keras.Input((4,), name="z"), keras.Input((4,), dtype="int32", name="text")
        x = layers.Concatenate()([z, layers.Flatten()(layers.Embedding(5, 3)(text))])
        made = layers.Reshape((8, 8, 3))(layers.Dense(192, "tanh")(x))
        score = layers.Dense(1)(layers.Flatten()(real := keras.Input((8, 8, 3), name="image")))
        return {"generator": keras.Model([z, text], made), "discriminator": keras.Model(real, score)}

    @property
    def endpoints(self):
        sound, picture = Audio((40, 1), rate=800), Image((None, None, 3))
        return super().endpoints | {
            "echo": Endpoint({"audio": sound}, sound, ("generator",)),
            "mirror": Endpoint({"image": picture}, picture, ("generator",)),
            "read": Endpoint({"text": self.element_spec["text"]}, Points((4,)), ("generator",)),
        }

    def echo(self, inputs):
        return inputs["audio"] * 0.5

    def mirror(self, inputs):
        return tf.reverse(inputs["image"], [2])

    def read(self, inputs):
        return tf.cast(inputs["text"], tf.float32)


@pytest.fixture(scope="module")
def captioned():
    return toys.lively(Captioned())


@pytest.fixture(scope="module")
def exported(captioned, tmp_path_factory):
    return savedmodel.export(captioned, tmp_path_factory.mktemp("models"), name="m", verify=False)


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported))


def as_file(picture, kind="PNG"):
    file = io.BytesIO()
    Picture.fromarray(picture).save(file, kind)
    return file.getvalue()


def test_what_there_is(loaded):
    assert set(loaded.signatures) == {
        *("serving_default", "generate", "generate_png", "sample_png", "mirror", "mirror_png"),
        *("echo", "echo_wav", "read", "read_text", "latents"),
    }


def test_latents_are_those_of_the_seeds(captioned, loaded):
    def ask(name, **inputs):
        return loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})

    text = np.tile(captioned.element_spec["text"].encode(["red cat"]), (2, 1))
    for truncation in (0.0, 0.3):
        z = ask("latents", count=2, seed=np.int64(7), truncation=truncation)["z"]
        made = captioned.element_spec["image"].to_stored(ask("generate", z=z, text=text)["images"])
        np.testing.assert_array_equal(made, captioned.sample([7, 8], text="red cat", truncation=truncation or None))
    with pytest.raises(tf.errors.InvalidArgumentError, match="truncation must be"):
        ask("latents", count=2, seed=np.int64(7), truncation=-1.0)


def test_a_sample_of_a_text_is_a_picture(captioned, loaded):
    def ask(seed, text, truncation=0.0):
        given = {"count": 2, "seed": tf.constant(seed, tf.int64), "truncation": truncation, "text": text}
        files = loaded.signatures["sample_png"](**{k: tf.constant(v) for k, v in given.items()})["images_bytes"]
        return np.stack([np.asarray(Picture.open(io.BytesIO(file))) for file in files.numpy()]).astype(int)

    expected = captioned.sample([7, 8], text="Red, cat!").numpy().astype(int)
    assert np.abs(ask(7, "Red, cat!") - expected).max() <= 1
    assert np.abs(ask(8, "Red, cat!")[0] - expected[1]).max() <= 1  # picture i is that of seed + i
    assert np.abs(ask(7, "cat") - expected).max() > 1
    cut = captioned.sample([7, 8], text="Red, cat!", truncation=0.3).numpy().astype(int)
    assert np.abs(ask(7, "Red, cat!", 0.3) - cut).max() <= 1 and np.abs(cut - expected).max() > 1
    for bad in (-1.0, float("nan")):
        with pytest.raises(tf.errors.InvalidArgumentError, match="truncation must be a number of 0"):
            ask(7, "cat", bad)


def test_texts_are_read_as_in_python(captioned, loaded):
    texts = ["Red cat", "GRÖSSE größe, GRÖßE", "", "  the-cat  'red'\n", "red red red red cat"]
    found = loaded.signatures["read_text"](text=tf.constant(texts))["points"]
    np.testing.assert_array_equal(found, captioned.element_spec["text"].encode(texts))


def test_pictures_are_brought_to_shape_and_sounds_to_length(loaded):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    (mirrored,) = loaded.signatures["mirror_png"](image_bytes=tf.constant([as_file(picture)]))["images_bytes"]
    np.testing.assert_array_equal(np.asarray(Picture.open(io.BytesIO(mirrored.numpy()))), picture[:, ::-1])
    sound = np.arange(-20, 20, dtype=np.int16)[:, None] * 1000
    kind = Audio((40, 1), rate=800)
    file = tf.audio.encode_wav(sound[:30] / np.float32(32767), 800)
    (heard,) = loaded.signatures["echo_wav"](audio_bytes=tf.stack([file]))["audio_bytes"]
    assert heard.numpy()[:4] == b"RIFF"
    back = np.round(tf.audio.decode_wav(heard)[0] * 32768)
    assert np.abs(back - kind.fit(sound[:30]) / 2).max() <= 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="800 samples a second"):
        loaded.signatures["echo_wav"](audio_bytes=tf.stack([tf.audio.encode_wav(sound / 32767.0, 99)]))


def test_a_picture_is_cropped_and_scaled_like_a_file():
    kind, smooth = Image((8, 8, 1)), np.add.outer(np.arange(40), np.arange(64)).astype(np.uint8)
    want = images.bend(smooth[:, :, None], kind.shape).astype(int)
    for how, apart in (("PNG", 2), ("JPEG", 6)):
        found = encoded.read_pictures(tf.constant([as_file(smooth, how)]), kind).numpy()[0]
        assert np.abs(found - want).max() <= apart
    exact = encoded.read_pictures(tf.constant([as_file(smooth[:8, :8])]), kind)[0, :, :, 0]
    np.testing.assert_array_equal(exact, smooth[:8, :8])


@pytest.mark.parametrize("what", ["empty", "a text", "cut off", "too large"])
def test_files_that_are_no_pictures(what):
    bomb = as_file(np.zeros((2, 2), np.uint8))
    bomb = bomb[:16] + (65_000).to_bytes(4, "big") * 2 + bomb[24:]
    file = {"empty": b"", "a text": b"hello" * 9, "cut off": bomb[:20], "too large": bomb}[what]
    says = "sides from 1 to 4096" if what == "too large" else None
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        encoded.read_pictures(tf.constant([file]), Image((8, 8, 1)))


def test_how_many_may_be_asked_for():
    assert most(28 * 28) == MOST and most(3 * 2**20) == MOST_BYTES // (3 * 2**20)
    assert most(3 * 2**28) == 1


def test_warm_up_requests_are_answered(exported, loaded):
    asked = list(warmup.read(exported))
    assert {name for name, _ in asked} == set(loaded.signatures)
    for name, inputs in asked:
        answers = loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        assert all(len(value) == 1 for value in answers.values())
    assert list(warmup.read(exported.parent)) == []  # an export of an earlier version has none


def test_files_too_are_compared_with_the_model(captioned, exported):
    differences = verify.verify(exported, captioned)
    assert {"sample_png images_bytes", "mirror_png images_bytes", "echo_wav audio_bytes", "read_text points"} <= set(
        differences
    )
