"""Pretrained weights: what is stored comes back, what is damaged is refused, what is shipped keeps its word."""

import types
from pathlib import Path

import keras
import numpy as np
import pytest

from tfgan_zoo import config, files, index, weights, zoo
from tfgan_zoo.errors import ZooError

NAME = "dcgan_glyphs"
SHIPPED = weights.names()


def tiny(seed=0, **model):
    """A model of a few thousand weights, none of which stands where it was initialized."""
    keras.utils.set_random_seed(seed)
    made = zoo.build(config.load(NAME, smoke=True), **model)
    random = np.random.default_rng(seed)
    for network in made.networks_by_name.values():
        network.set_weights([w + random.normal(0, 0.1, w.shape).astype(w.dtype) for w in network.get_weights()])
    return made


def values(model):
    return {name: network.get_weights() for name, network in model.networks_by_name.items()}


def same(a, b):
    return all(np.array_equal(x, y) for name in a for x, y in zip(a[name], b[name], strict=True))


def digests(folder):
    """What a folder holds, by content."""
    return {p.relative_to(folder): files.sha256(p) for p in folder.rglob("*") if p.is_file()}


def refusal(call, *arguments):
    """The one line that `call` refuses with."""
    with pytest.raises(ZooError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def model():
    """The model whose weights the tests publish."""
    return tiny()


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty folder of pretrained weights and an empty cache."""
    monkeypatch.setattr(index, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    index.PRETRAINED.mkdir()
    return tmp_path


def publish(model, place, storage="float16", **more):
    """Weights at `place` and their card."""
    weights.save(model, place, storage)
    card = {
        "file": f"{NAME}.npz",
        "bytes": place.stat().st_size,
        "sha256": files.sha256(place),
        "storage": storage,
        "experiment": config.load(NAME, smoke=True).as_dict(),
        **more,
    }
    files.write_json(index.PRETRAINED / f"{NAME}.json", card)
    return card


@pytest.fixture
def published(places, model):
    """The packaged weights file of NAME."""
    publish(model, index.PRETRAINED / f"{NAME}.npz")
    return index.PRETRAINED / f"{NAME}.npz"


# === Storage ===
def test_float16_keeps_each_value_within_its_rounding(model, tmp_path):
    weights.save(model, tmp_path / "w.npz")
    other = tiny(1)
    weights.load(other, tmp_path / "w.npz", "here")
    rounded = {n: [w.astype("float16").astype(w.dtype) for w in v] for n, v in values(model).items()}
    assert same(values(other), rounded)
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"]


def test_int8_keeps_each_value_within_half_a_step(model, tmp_path):
    weights.save(model, tmp_path / "w.npz", "int8")
    other = tiny(1)
    weights.load(other, tmp_path / "w.npz", "here")
    for name, stored in values(other).items():
        for before, after in zip(values(model)[name], stored, strict=True):
            if before.ndim < 2:  # biases and statistics are float16
                np.testing.assert_array_equal(after, before.astype("float16"))
            else:
                step = np.abs(before).max(axis=tuple(range(before.ndim - 1))) / 127
                assert (np.abs(after - before) <= step / 2 * 1.001).all()
    weights.save(model, tmp_path / "half.npz", "float16")
    assert (tmp_path / "w.npz").stat().st_size < (tmp_path / "half.npz").stat().st_size


@pytest.mark.parametrize("storage", weights.STORAGES)
def test_counters_come_back_exactly(storage, tmp_path):
    class Counting(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(3, 2), initializer="ones")
            self.count = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False)

        def call(self, x):
            return x @ self.scale

    layer = Counting()
    network = keras.Sequential([keras.Input((3,)), layer])
    model = types.SimpleNamespace(networks_by_name={"network": network})
    layer.count.assign(123_456_789)  # neither float16 nor int8 holds it
    weights.save(model, tmp_path / "w.npz", storage)
    layer.count.assign(0)
    layer.scale.assign(keras.ops.zeros((3, 2)))
    weights.load(model, tmp_path / "w.npz", "here")
    assert int(layer.count.numpy()) == 123_456_789
    np.testing.assert_allclose(layer.scale.numpy(), 1.0, rtol=1e-6)


def test_zeros_survive_int8(tmp_path):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="zeros")])
    model = types.SimpleNamespace(networks_by_name={"network": network})
    weights.save(model, tmp_path / "w.npz", "int8")
    weights.load(model, tmp_path / "w.npz", "here")
    assert not any(w.any() for w in network.get_weights())


def test_unknown_storage(model, tmp_path):
    assert "unknown storage 'int4': did you mean 'int8'" in refusal(weights.save, model, tmp_path / "w.npz", "int4")
    assert not list(tmp_path.iterdir())


# === What is refused; nothing is deleted ===
def test_a_truncated_archive(published):
    whole = published.read_bytes()
    published.write_bytes(whole[: len(whole) // 2])
    before = digests(published.parent)
    assert f"{NAME}: {published} is damaged" in refusal(zoo.get, NAME)
    assert "cannot be read" in refusal(weights.load, tiny(), published, "here")
    assert digests(published.parent) == before


def test_one_other_byte(published):
    whole = bytearray(published.read_bytes())
    whole[len(whole) // 2] ^= 1
    published.write_bytes(whole)
    before = digests(published.parent)
    message = refusal(zoo.get, NAME)
    assert "is damaged: SHA-256" in message and weights.card(NAME)["sha256"][:12] in message
    assert digests(published.parent) == before


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"], ids=["empty", "text", "header"])
def test_files_that_are_no_archives(content, tmp_path, model):
    (tmp_path / "w.npz").write_bytes(content)
    before = values(model)
    assert refusal(weights.load, model, tmp_path / "w.npz", "here").startswith("here: ")
    assert same(before, values(model))


def test_bytes_changed_where_no_card_is_asked(tmp_path, model):
    weights.save(model, tmp_path / "w.npz")
    whole = (tmp_path / "w.npz").read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        (tmp_path / "w.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            weights.load(model, tmp_path / "w.npz", "here")
        except ZooError as error:
            assert str(error).startswith("here: ") and "\n" not in str(error)


def test_wrong_shapes(places):
    publish(tiny(filters=8), index.PRETRAINED / f"{NAME}.npz")
    before = digests(places)
    message = refusal(zoo.get, NAME)
    assert f"pretrained {NAME}: " in message and "which has shape (" in message
    assert digests(places) == before


def test_a_network_that_is_missing(tmp_path, model):
    weights.save(tiny(ema_decay=0.0), tmp_path / "w.npz")
    assert "holds nothing for" in refusal(weights.load, model, tmp_path / "w.npz", "here")


def test_no_card(published):
    (published.parent / f"{NAME}.json").unlink()
    message = refusal(zoo.get, NAME)
    assert f"{NAME}: has no pretrained weights" in message and f"python -m tfgan_zoo train {NAME}" in message
    assert f"did you mean '{NAME}'" in refusal(zoo.get, "dcgan_glyph")
    assert published.is_file()


def test_a_card_without_its_file(published):
    published.unlink()
    message = refusal(zoo.get, NAME)
    assert str(published) in message and "is missing" in message


# === zoo.get ===
def test_get_gives_the_stored_model(published, model):
    got = zoo.get(NAME)
    stored = tiny(1)
    weights.load(stored, published, "here")
    assert same(values(got), values(stored)) and not got.compiled
    assert not same({"g": got.generator.get_weights()}, {"g": got.generator_ema.get_weights()})
    assert np.array_equal(got.sample_images([0, 1]), stored.sample_images([0, 1]))
    loaded = zoo.load(NAME)
    assert same(values(loaded.model), values(stored)) and loaded.description == f"pretrained {NAME}"
    assert loaded.experiment.as_dict() == config.load(NAME, smoke=True).as_dict()
    assert loaded.name == NAME and loaded.class_names is None and loaded.sha256 == files.sha256(published)
    assert index.preset_facts(NAME)["pretrained"] and index.info(NAME)["card"] == weights.card(NAME)


def test_a_card_tells_the_names_of_classes(published):
    card = weights.card(NAME) | {"data": {"class_names": ["cat", "dog"]}}
    files.write_json(index.PRETRAINED / f"{NAME}.json", card)
    assert zoo.load(NAME).class_names == ["cat", "dog"]


def test_start_from_the_average(published):
    got = zoo.get(NAME, start="ema")
    assert same({"g": got.generator.get_weights()}, {"g": got.generator_ema.get_weights()})
    live = zoo.get(NAME)
    assert same({"g": got.generator_ema.get_weights()}, {"g": live.generator_ema.get_weights()})
    assert "'live' or 'ema', got 'last'" in refusal(zoo.get, NAME, "last")


def test_start_from_an_average_that_is_not_kept(places):
    card = publish(tiny(ema_decay=0.0), index.PRETRAINED / f"{NAME}.npz")
    card["experiment"]["model"]["ema_decay"] = 0.0
    files.write_json(index.PRETRAINED / f"{NAME}.json", card)
    assert zoo.get(NAME).built
    assert "keeps no averaged twin" in refusal(zoo.get, NAME, "ema")


def test_fine_tuning_moves_only_what_is_not_frozen(published):
    model = zoo.get(NAME)
    frozen = [*model.generator.layers[:-3], *model.discriminator.layers[:2]]
    for layer in frozen:
        layer.trainable = False
    before = values(model)
    kept = {id(layer): layer.get_weights() for layer in frozen}
    model.compile()
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3)).astype("uint8")
    history = model.fit(images, batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite([*history["d_loss"], *history["g_loss"]]).all()
    for layer in frozen:
        assert all(np.array_equal(a, b) for a, b in zip(kept[id(layer)], layer.get_weights(), strict=True))
    moved = {
        name
        for name, old in before.items()
        if not all(np.array_equal(a, b) for a, b in zip(old, model.networks_by_name[name].get_weights()))
    }
    assert moved == {"generator", "discriminator", "generator_ema"}
    assert any(layer.weights for layer in frozen) and len(model.generator.trainable_variables) >= 1


# === Downloads ===
def test_weights_are_fetched_once_and_checked(places, model, capsys):
    source = places / "elsewhere.npz"
    publish(model, source, url=source.as_uri())
    got = zoo.get(NAME)
    cached = places / "cache" / "weights" / f"{NAME}.npz"
    assert digests(places / "cache") == {cached.relative_to(places / "cache"): files.sha256(source)}
    assert f"fetching {source.as_uri()}" in capsys.readouterr().err
    source.unlink()
    assert same(values(zoo.get(NAME)), values(got)) and "fetching" not in capsys.readouterr().err
    cached.write_bytes(cached.read_bytes()[:-1])
    assert f"{cached} is damaged" in refusal(zoo.get, NAME)
    assert cached.is_file()


def test_a_download_that_is_not_what_the_card_says_is_not_kept(places, model):
    source = places / "elsewhere.npz"
    publish(model, source, url=source.as_uri(), sha256="0" * 64)
    assert "SHA-256" in refusal(zoo.get, NAME)
    assert not digests(places / "cache") and source.is_file()


def test_a_download_that_fails(places, model):
    source = places / "elsewhere.npz"
    publish(model, source, url=source.as_uri())
    source.unlink()
    message = refusal(zoo.get, NAME)
    assert f"{NAME}: {source.as_uri()} cannot be fetched" in message and str(places / "cache") in message
    assert not digests(places / "cache")


# === What is shipped ===
@pytest.mark.parametrize("name", SHIPPED)
def test_every_card_keeps_its_word(name):
    card = weights.card(name)
    path = weights.find(name, card)
    assert files.sha256(path) == card["sha256"] and path.stat().st_size == card["bytes"] <= 5_500_000
    assert card["name"] == name and card["storage"] in weights.STORAGES and name in index.presets()
    assert card["data"]["licence"] and card["data"]["source"] and len(card["data"]["fingerprint"]) == 64
    training = card["training"]
    assert training["steps"] > 100 and training["seconds"] > 0 and training["seed"] >= 0
    assert training["hardware"] and training["commit"]
    assert not training["commit"].endswith("-dirty"), "the commit does not hold what trained it"
    assert {"tensorflow", "keras", "numpy"} <= {name for name, version in training["versions"].items() if version}
    assert card["metrics"]
    for metric in card["metrics"]:
        assert 0 <= metric["value"] < float("inf")
        assert metric["samples"] >= min(1000, metric["reference_samples"] or 1000)
        own = "@" in metric["metric"] or metric["features"] is None  # features of its own, or the pictures themselves
        assert own or len(metric["features_sha256"]) == 64
    data = card["experiment"]["data"]
    assert not any(Path(str(value)).is_absolute() for value in data.values()), "a path of the machine"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_pretrained_model_generates(name):
    model = zoo.get(name)
    experiment = config.Experiment.from_dict(weights.card(name)["experiment"])
    assert experiment.preset == name
    main, endpoint = next(iter(model.endpoints.items()))
    if main == "generate":
        images = model.sample([0, 1, 2, 0]).numpy()
        assert images.shape == (4, *experiment.model["image_shape"]) and images.dtype == "uint8"
        assert np.array_equal(images[0], images[3])
        assert all(np.abs(images[i].astype(int) - images[i + 1]).mean() > 1 for i in (0, 1)), "the same picture"
        assert images.std() > 10
        return
    given = {key: kind.example(4, np.random.default_rng(0)) for key, kind in endpoint.conditions.items()}
    answers = model.sample(range(4), endpoint=main, **given).numpy()
    assert len(answers) == 4 and len(np.unique(answers)) > 1
