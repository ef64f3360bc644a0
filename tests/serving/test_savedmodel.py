"""SavedModels: signatures, versions, the check in a process without Keras, the REST client."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import toys
from PIL import Image
from toys import full_disk, lively, spoiled

from tfgan_zoo import devices, sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.serving import savedmodel, signatures
from tfgan_zoo.serving import verify as checking
from tfgan_zoo.serving.savedmodel import export

MODELS = toys.MODELS | {
    "dcgan_bfloat16": lambda: DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8, dtype="mixed_bfloat16"),
}


def sample(loaded, count, seed):
    answer = loaded.signatures["sample"](count=tf.constant(count), seed=tf.constant(seed, tf.int64))
    return next(iter(answer.values())).numpy()


@pytest.mark.parametrize("name", ["dcgan", "dcgan_ema", "dcgan_bfloat16", "gan", "points"])
def test_an_export_gives_what_the_model_gives(name, tmp_path):
    model = lively(MODELS[name]())
    path = export(model, tmp_path, name=name, verify=False, facts={"preset": "p"})
    assert path == tmp_path / name / "1" and [p.name for p in path.parent.iterdir()] == ["1"]
    loaded = tf.saved_model.load(str(path))
    z = sampling.draw(model, "generate", tf.range(5, 9))["z"]
    ((key, images),) = loaded.signatures["serving_default"](z=z).items()
    np.testing.assert_array_equal(loaded.signatures["generate"](z=z)[key], images)
    assert images.dtype == tf.float32 and key == ("points" if name == "points" else "images")
    half = "float16" in name
    np.testing.assert_allclose(images, tf.cast(model(z), tf.float32), atol=0.1 if half else 1e-5)
    samples = sample(loaded, 4, 5)
    assert samples.shape == (4, *model.image_shape)
    if name == "points":
        np.testing.assert_allclose(samples, images, atol=1e-5)
    else:
        assert samples.dtype == np.uint8
        expected = model.sample(tf.range(5, 9)).numpy().astype(int)
        assert np.abs(samples - expected).max() <= (12 if half else 1)
        np.testing.assert_array_equal(sample(loaded, 4, 5), samples)

    saved = dict(tf.train.list_variables(str(path / "variables" / "variables")))
    shapes = sorted(tuple(s) for n, s in saved.items() if n.endswith("VARIABLE_VALUE"))
    assert shapes == sorted(tuple(v.shape) for v in model.best("generator").variables)  # no discriminator, no copy
    facts = json.loads((path / "assets.extra" / "tfgan_zoo.json").read_text())
    assert facts["family"] == type(model).__module__.split(".")[-1] and facts["config"]["latent_dim"] == 8
    assert facts["networks"] == {"generator": model.generator.count_params()}
    files = set() if name == "points" else {"generate_png", "sample_png"}
    assert facts["serving_default"] == "generate"
    assert set(facts["signatures"]) == {"generate", "sample", "latents"} | files
    noise = {"kind": "Noise", "shape": [8], "low": None, "high": None}
    assert facts["endpoints"]["generate"]["inputs"] == {"z": noise}
    assert facts["signatures"]["generate"]["inputs"] == {"z": "float32 (n, 8)"}
    assert facts["preset"] == "p" and facts["averaged"] is (name == "dcgan_ema")


def test_every_endpoint_has_a_signature(tmp_path):
    model = lively(MODELS["encoding"]())
    path = export(model, tmp_path, name="m", verify=False)
    loaded = tf.saved_model.load(str(path))
    endpoints = {
        "generate": "images",
        "encode": "points",
        "reconstruct": "images",
        "classify": "logits",
        "paint": "images",
    }
    files = {f"{name}_png" for name in (*endpoints, "sample")}
    assert set(loaded.signatures) == {*endpoints, *files, "serving_default", "sample", "latents"}
    image = tf.random.stateless_uniform((3, 8, 8, 1), (1, 2), -1.0, 1.0)
    for name, key in endpoints.items():
        inputs = {"generate": {"z": tf.ones((3, 4))}, "paint": {"code": tf.ones((3, 4))}}.get(name, {"image": image})
        answer = loaded.signatures[name](**inputs)
        assert list(answer) == [key]
        np.testing.assert_allclose(answer[key], sampling.ask(model, name, inputs), atol=1e-5)
    saved = dict(tf.train.list_variables(str(path / "variables" / "variables")))
    shapes = sorted(tuple(s) for n, s in saved.items() if n.endswith("VARIABLE_VALUE"))
    served = (model.generator, model.encoder, model.classifier)
    assert shapes == sorted(tuple(v.shape) for network in served for v in network.variables)  # each once, no others
    facts = json.loads((path / "assets.extra" / "tfgan_zoo.json").read_text())
    assert set(facts["networks"]) == {"generator", "encoder", "classifier"}
    assert facts["signatures"]["encode"]["inputs"] == {"image": "float32 (n, 8, 8, 1)"}


@pytest.mark.parametrize("name", ["labelled", "labelled_points"])
def test_a_class_can_be_asked_for(name, tmp_path):
    model = lively(MODELS[name]())
    loaded = tf.saved_model.load(str(export(model, tmp_path, name="m", verify=False)))
    z, label = tf.ones((3, 8)), tf.constant([1, 4, 1])
    (key,) = loaded.signatures["generate"](z=z, label=label)
    np.testing.assert_allclose(
        loaded.signatures["generate"](z=z, label=label)[key], model({"z": z, "label": label}), atol=1e-5
    )
    ask = loaded.signatures["sample"]
    count, seed = tf.constant(6), tf.constant(3, tf.int64)
    drawn = ask(count=count, seed=seed, label=tf.constant(-1))
    assert set(drawn) == {key, "label"}
    expected = sampling.draw(model, "generate", tf.range(3, 9))["label"]
    np.testing.assert_array_equal(drawn["label"], expected)
    np.testing.assert_allclose(tf.cast(drawn[key], tf.float32), tf.cast(model.sample(range(3, 9)), tf.float32), atol=1)
    third = ask(count=count, seed=seed, label=tf.constant(2))
    assert third["label"].numpy().tolist() == [2] * 6
    np.testing.assert_allclose(
        tf.cast(third[key], tf.float32), tf.cast(model.sample(range(3, 9), label=2), tf.float32), atol=1
    )
    for bad in (-2, toys.CLASSES):
        with pytest.raises(tf.errors.InvalidArgumentError, match="label must be -1, or from 0 to 4"):
            ask(count=count, seed=seed, label=tf.constant(bad))


@pytest.mark.parametrize("name", ["dcgan_ema", "dcgan_bfloat16", "labelled"])
def test_weights_that_are_no_numbers_are_not_served(name, tmp_path):
    model = spoiled(MODELS[name]())
    with pytest.raises(ZooError, match="NaN or infinity in the weights of its generator .*diverged") as error:
        export(model, tmp_path, name="m")
    assert "\n" not in str(error.value) and model.name in str(error.value)
    assert not list(tmp_path.iterdir())


def test_answers_that_are_no_numbers_are_not_served():
    model = MODELS["points"]()
    for weight in model.generator.trainable_weights:
        weight.assign(tf.fill(weight.shape, 1e38))  # finite, but their products are not
    with pytest.raises(ZooError, match="generate: NaN or infinity in 3 answers of 3"):
        checking.ask(model)


def test_a_disk_that_is_full(tmp_path):
    model = MODELS["dcgan"]()
    with full_disk(), pytest.raises(ZooError, match="cannot write") as error:
        export(model, tmp_path / "models", name="m", verify=False)
    assert "\n" not in str(error.value) and "Choose a folder you may write to" in str(error.value)
    assert not list((tmp_path / "models").iterdir())


def test_versions_count_up_and_are_never_overwritten(tmp_path):
    model = MODELS["gan"]()
    paths = [export(model, tmp_path, name="m", verify=False) for _ in range(2)]
    paths.append(export(model, tmp_path, name="m", verify=False, version=7))
    paths.append(export(model, tmp_path, name="m", verify=False))
    assert [p.name for p in paths] == ["1", "2", "7", "8"]
    with pytest.raises(ZooError, match="7 exists and is never overwritten.*version 9"):
        export(model, tmp_path, name="m", verify=False, version=7)
    for bad in ({"version": 0}, {"version": True}, {"name": "../m"}, {"name": ".m"}):
        with pytest.raises(ZooError):
            export(model, tmp_path, **{"name": "m", "verify": False, **bad})
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == ["1", "2", "7", "8"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="count must be a number from 1 to"):
        sample(tf.saved_model.load(str(paths[0])), signatures.MOST + 1, 0)


def test_an_export_that_fails_its_check_leaves_nothing(tmp_path, monkeypatch):
    def fail(path, model):
        assert (path / "saved_model.pb").exists()
        raise ZooError("differs")

    monkeypatch.setattr(savedmodel, "verify_saved", fail)
    with pytest.raises(ZooError, match="differs"):
        export(MODELS["gan"](), tmp_path, name="m")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(ZooError, match="cannot write") as error:
        export(MODELS["gan"](), tmp_path / "file", name="m")
    assert "\n" not in str(error.value)


def test_an_export_under_a_strategy(tmp_path):
    strategy = devices.strategy(2)
    with strategy.scope():
        model = lively(MODELS["dcgan_ema"]())
    path = export(model, tmp_path, name="m", verify=False)
    samples = sample(tf.saved_model.load(str(path)), 3, 1)
    assert np.abs(samples - model.sample([1, 2, 3]).numpy().astype(int)).max() <= 1


def test_plain_tensorflow_runs_it_and_finds_other_weights(tmp_path):
    """The one test that starts processes: two of them."""
    model = lively(MODELS["dcgan_ema"]())
    served = model.best("generator")
    path = export(model, tmp_path, name="m")  # verified
    served.variables[0].assign_add(tf.fill(served.variables[0].shape, 0.01))
    other = export(model, tmp_path, name="m", verify=False)
    served.variables[0].assign_sub(tf.fill(served.variables[0].shape, 0.01))
    for file in (path / "variables").iterdir():  # another model's weights in the first one's place
        file.write_bytes((other / "variables" / file.name).read_bytes())
    with pytest.raises(ZooError, match="generate images differ from the model's by") as error:
        checking.verify(path, model)
    assert "\n" not in str(error.value)


def test_compare():
    here = {"a": np.zeros((2, 2), np.float32), "b": np.zeros(3, np.uint8)}
    near = {"a": here["a"] + np.float32(5e-6), "b": np.uint8([0, 1, 0])}
    assert checking.compare(here, near, "p")["b"] == 1
    for bad in (
        {"a": here["a"] + np.float32(1e-4)},
        {"a": here["a"] * np.nan},
        {"a": here["a"][:1]},
        {"b": np.uint8([0, 2, 0])},
        {"b": np.int64([0, 0, 0])},
        {"c": here["a"]},
    ):
        with pytest.raises(ZooError, match="^p: "):
            checking.compare(here, here | bad, "p")


def test_the_rest_client(tmp_path):
    file = Path(__file__).resolve().parents[2] / "export" / "client_example.py"
    spec = importlib.util.spec_from_file_location("client_example", file)
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    asked = []

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            bad = asked[-1][1]["inputs"]["count"] > 1024
            body = json.dumps({"error": "count"} if bad else {"outputs": images.tolist()}).encode()
            self.send_response(400 if bad else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        answer = client.ask(url, "m", 2, 7)
        with pytest.raises(SystemExit, match="count"):
            client.ask(url, "m", 2000, 7)
        server.shutdown()
    body = {"signature_name": "sample", "inputs": {"count": 2, "seed": 7}}
    assert asked[0] == ("/v1/models/m:predict", body)
    for given in (images[0], images[1, :, :, :1]):
        (tmp_path / "a.png").write_bytes(client.png(given.tolist()))
        with Image.open(tmp_path / "a.png") as read:
            assert np.array_equal(np.asarray(read).reshape(given.shape), given)
    assert np.array_equal(answer, images)
