import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.mgan import MGAN
from tfgan_zoo.features.perceptual import perceptual_network
from tfgan_zoo.networks import textures


def small(**arguments):
    maps = {"judged": "random_conv:conv_0", "encoded": "random_conv:conv_2", "filters": 2, "large": 2}
    model = MGAN(**{"image_shape": (32, 40, 3), **maps, **arguments})
    contracts.enliven(model)
    return model


def batch_of(model, size=3):
    stored = contracts.batch_for(model, size)
    return {key: kind.to_model(tf.constant(stored[key])) for key, kind in model.element_spec.items()}


@pytest.mark.parametrize("content_weight", [0.0, 2.0])
def test_the_losses_are_the_papers(content_weight):
    model = small(content_weight=content_weight, smoothness_weight=3.0)
    assert set(model.element_spec) == ({"x", "y"} if content_weight else {"y"})
    batch = batch_of(model)
    model.noise.begin()
    code, made = model.fake(batch)
    assert made.shape == (3, 32, 40, 3)

    def scores(picture):
        (seen,) = perceptual_network("random_conv:conv_0")(picture)
        found = model.discriminator(seen, training=True).numpy()
        assert found.shape == (3, 4, 5, 1)
        return found[:, 1:-1, 1:-1]

    real, fake = scores(batch["y"]), scores(made)
    expected = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    assert float(model.discriminator_loss(batch, (code, made))) == pytest.approx(expected, rel=1e-4)
    x = made.numpy()
    expected = np.maximum(0, 1 - fake).mean()
    expected += 3 * (np.square(np.diff(x, axis=1)).mean() + np.square(np.diff(x, axis=2)).mean())
    loss = model.generator_loss(batch, (code, made))
    if content_weight:
        encode = perceptual_network("random_conv:conv_2")
        np.testing.assert_allclose(code, encode(batch["x"])[0], atol=1e-6)
        content = np.square(encode(made)[0] - code).mean()
        loss, terms = loss
        assert float(terms["content"]) == pytest.approx(content, rel=1e-4)
        expected += content_weight * content
    assert float(loss) == pytest.approx(expected, rel=1e-4)


def test_texture_is_made_of_brown_noise_alone_unless_photographs_are_given():
    model = small()
    codes = [model.fake(batch_of(model))[0].numpy() for _ in range(2)]
    assert np.abs(codes[0] - codes[1]).max() > 1e-2
    z = tf.random.stateless_normal((2, 32, 40, 3), (1, 2))
    made = model.generate({"z": z})
    np.testing.assert_array_equal(made, model.translate({"x": textures.brown(z)}))


def test_pictures_of_any_size_are_answered():
    model = small()
    random = np.random.default_rng(0)
    for height, width in ((32, 40), (16, 64), (21, 50)):
        picture = random.integers(0, 256, (1, height, width, 3), np.uint8)
        answer = model.sample([0], "translate", x=picture)
        assert answer.shape == (1, height // 8 * 8, width // 8 * 8, 3)
    assert model.sample([0], "enlarge").shape == (1, 64, 80, 3)
    assert model.sample([0], "enlarge", z_large=random.normal(size=(1, 96, 24, 3))).shape == (1, 96, 24, 3)


def test_networks_whose_maps_lack_the_border_give_pictures_of_full_size(monkeypatch):
    """As SqueezeNet's and Inception's do."""
    model = small()
    monkeypatch.setattr(model, "encoding", lambda x, see=model.encoding: [see(x)[0][:, 1:-1, 1:]])
    assert model.generate({"z": tf.zeros((1, 32, 40, 3))}).shape == (1, 32, 40, 3)


@pytest.mark.parametrize("encoded", ["random_conv:conv_2", "cifar_cnn:conv_5"])
def test_tiles_fit_together(encoded):
    """The margin is wider than what the zeros around a picture reach in the encoder and the generator."""
    model = small(encoded=encoded)
    z = tf.random.stateless_normal((1, 32, 40, 3), (1, 2))
    tile = model.tile({"z": z})[0].numpy()
    moved = model.tile({"z": tf.roll(z, (8, -16), (1, 2))})[0].numpy()
    assert tile.shape == (32, 40, 3) and tile.std() > 0.01
    np.testing.assert_allclose(moved, np.roll(tile, (8, -16), (0, 1)), atol=1e-4)
    plain = [model.generate({"z": x})[0].numpy() for x in (z, tf.roll(z, (8, -16), (1, 2)))]
    assert np.abs(plain[1] - np.roll(plain[0], (8, -16), (0, 1))).max() > 1e-2


def test_the_perceptual_networks_are_no_part_of_the_model():
    model = small()
    assert {weight.path.split("/")[0] for weight in model.trainable_weights}.isdisjoint({"random_conv"})
    channels = [network.input_shape[-1] for network in (model.generator, model.discriminator)]
    assert channels == [see(tf.zeros((1, 32, 40, 3)))[0].shape[-1] for see in (model.encoding, model.judging)]
    assert model.get_config()["judged"] == "random_conv:conv_0"


def test_what_cannot_be_judged_is_refused_in_one_line(monkeypatch, tmp_path):
    with pytest.raises(ZooError, match="conv_1 must see 9 x 9 places") as caught:
        small(judged="random_conv:conv_1")
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("TFGAN_ZOO_DOWNLOAD", raising=False)
    with pytest.raises(ZooError, match="vgg19 needs its weights.*TFGAN_ZOO_DOWNLOAD=1"):
        MGAN()
