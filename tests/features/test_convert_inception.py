"""Inception's weights from a graph, an archive and a state dict: the network computes what its source computes."""

import functools
import http.server
import importlib.util
import io
import sys
import tarfile
import threading
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from tfgan_zoo import features, files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features import inception_sources, inception_weights

TOOL = Path(__file__).resolve().parents[2] / "tools" / "convert_inception.py"
v1 = tf.compat.v1


class Graph:
    """The graph of 2015-12-05 node by node, under the published file's names, with random weights.

    By hand, since today's TensorFlow runs BatchNormWithGlobalNormalization but no longer builds it.
    """

    def __init__(self):
        self.graph, self.rng = v1.GraphDef(), np.random.default_rng(0)
        self.graph.versions.producer = 8

    def node(self, name, op, *inputs, **attributes):
        node = self.graph.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            field = node.attr[key]
            if isinstance(value, tf.DType):
                field.type = value.as_datatype_enum
            elif isinstance(value, np.ndarray):
                field.tensor.CopyFrom(tf.make_tensor_proto(value))
            elif isinstance(value, list):
                field.list.i.extend(value)
            else:
                setattr(field, {bool: "b", int: "i", float: "f", bytes: "s"}[type(value)], value)
        return name

    def const(self, name, value):
        value = np.asarray(value, np.int32 if np.asarray(value).dtype.kind == "i" else np.float32)
        return self.node(name, "Const", dtype=tf.as_dtype(value.dtype), value=value)

    def conv(self, x, path, before, filters, size, stride=1, padding=b"SAME"):
        height, width = size if isinstance(size, tuple) else (size, size)
        deviation = (2 / (height * width * before)) ** 0.5
        kernel = self.rng.standard_normal((height, width, before, filters), np.float32) * deviation
        vectors = {
            "beta": self.rng.normal(0, 0.1, filters),
            "gamma": self.rng.uniform(0.5, 2, filters),
            "moving_mean": self.rng.normal(0, 0.1, filters),
            "moving_variance": self.rng.uniform(0.5, 2, filters),
        }
        x = self.node(
            f"{path}/Conv2D",
            "Conv2D",
            x,
            self.const(f"{path}/conv2d_params", kernel),
            T=tf.float32,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
        beta, gamma, mean, variance = (self.const(f"{path}/batchnorm/{k}", v) for k, v in vectors.items())
        x = self.node(
            f"{path}/batchnorm",
            "BatchNormWithGlobalNormalization",
            x,
            mean,
            variance,
            beta,
            gamma,
            T=tf.float32,
            variance_epsilon=0.001,
            scale_after_normalization=path.startswith("mixed_10"),
        )  # nowhere in the published one
        return self.node(path, "Relu", x, T=tf.float32)

    def pool(self, x, path, op="MaxPool", size=3, stride=2, padding=b"VALID"):
        return self.node(
            path, op, x, T=tf.float32, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding
        )

    def join(self, path, *parts):
        axis = self.const(f"{path}/concat_dim", np.int32(3))
        return self.node(path, "Concat", axis, *parts, T=tf.float32, N=len(parts))

    def tower(self, x, path, before, *convolutions):
        for index, (filters, size, *rest) in enumerate(convolutions):
            x = self.conv(x, f"{path}/conv_{index}" if index else f"{path}/conv", before, filters, size, *rest)
            before = filters
        return x

    def build(self):
        x = self.node("ExpandDims", "Placeholder", dtype=tf.float32)
        x = self.node(
            "ResizeBilinear",
            "ResizeBilinear",
            x,
            self.const("ResizeBilinear/size", [299, 299]),
            T=tf.float32,
            align_corners=False,
        )
        x = self.node("Sub", "Sub", x, self.const("Sub/y", 128.0), T=tf.float32)
        x = self.node("Mul", "Mul", x, self.const("Mul/y", 0.0078125), T=tf.float32)
        x = self.conv(x, "conv", 3, 32, 3, 2, b"VALID")
        x = self.conv(x, "conv_1", 32, 32, 3, 1, b"VALID")
        x = self.conv(x, "conv_2", 32, 64, 3)
        x = self.pool(x, "pool")
        x = self.conv(x, "conv_3", 64, 80, 1)
        x = self.conv(x, "conv_4", 80, 192, 3, 1, b"VALID")
        x = self.pool(x, "pool_1")
        for name, before, pooled in (("mixed", 192, 32), ("mixed_1", 256, 64), ("mixed_2", 288, 64)):
            average = self.pool(x, f"{name}/tower_2/pool", "AvgPool", 3, 1, b"SAME")
            x = self.join(
                f"{name}/join",
                self.tower(x, name, before, (64, 1)),
                self.tower(x, f"{name}/tower", before, (48, 1), (64, 5)),
                self.tower(x, f"{name}/tower_1", before, (64, 1), (96, 3), (96, 3)),
                self.tower(average, f"{name}/tower_2", before, (pooled, 1)),
            )
        x = self.join(
            "mixed_3/join",
            self.tower(x, "mixed_3", 288, (384, 3, 2, b"VALID")),
            self.tower(x, "mixed_3/tower", 288, (64, 1), (96, 3), (96, 3, 2, b"VALID")),
            self.pool(x, "mixed_3/pool"),
        )
        row, column = (1, 7), (7, 1)
        for name, c in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
            average = self.pool(x, f"{name}/tower_2/pool", "AvgPool", 3, 1, b"SAME")
            x = self.join(
                f"{name}/join",
                self.tower(x, name, 768, (192, 1)),
                self.tower(x, f"{name}/tower", 768, (c, 1), (c, row), (192, column)),
                self.tower(x, f"{name}/tower_1", 768, (c, 1), (c, column), (c, row), (c, column), (192, row)),
                self.tower(average, f"{name}/tower_2", 768, (192, 1)),
            )
        x = self.join(
            "mixed_8/join",
            self.tower(x, "mixed_8/tower", 768, (192, 1), (320, 3, 2, b"VALID")),
            self.tower(x, "mixed_8/tower_1", 768, (192, 1), (192, row), (192, column), (192, 3, 2, b"VALID")),
            self.pool(x, "mixed_8/pool"),
        )
        for name, before, op in (("mixed_9", 1280, "AvgPool"), ("mixed_10", 2048, "MaxPool")):
            first = self.tower(x, f"{name}/tower", before, (384, 1))
            second = self.tower(x, f"{name}/tower_1", before, (448, 1), (384, 3))
            pooled = self.pool(x, f"{name}/tower_2/pool", op, 3, 1, b"SAME")
            main = self.tower(x, name, before, (320, 1))
            halves = []
            for part, path in ((first, "tower"), (second, "tower_1")):
                split = [
                    self.conv(part, f"{name}/{path}/mixed/conv{end}", 384, 384, size)
                    for end, size in (("", (1, 3)), ("_1", (3, 1)))
                ]
                halves.append(self.join(f"{name}/{path}/mixed/join", *split))
            x = self.join(f"{name}/join", main, *halves, self.tower(pooled, f"{name}/tower_2", before, (192, 1)))
        x = self.pool(x, "pool_3", "AvgPool", 8, 1)
        x = self.node("pool_3/_reshape", "Reshape", x, self.const("pool_3/_reshape/shape", [-1, 2048]), T=tf.float32)
        kernel = self.const("softmax/weights", self.rng.standard_normal((2048, 1008), np.float32) * 0.02)
        x = self.node("softmax/logits/MatMul", "MatMul", x, kernel, T=tf.float32)
        bias = self.const("softmax/biases", self.rng.normal(0, 1, 1008))
        self.node("softmax/logits", "BiasAdd", x, bias, T=tf.float32)
        return self.graph


@pytest.fixture(scope="module")
def graph():
    return Graph().build()


@pytest.fixture(scope="module")
def source(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "classify_image_graph_def.pb"
    path.write_bytes(graph.SerializeToString())
    return path


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda *arguments: CliRunner().invoke(module.main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def converted(tool, source):
    path = source.with_name("converted.npz")
    done = tool(source, path)
    assert done.exit_code == 0, done.output
    return path, done.output


def archive_of(path, members):
    with tarfile.open(path, "w:gz", compresslevel=0) as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_the_network_computes_what_the_graph_computes(graph, converted):
    images = np.random.default_rng(1).integers(0, 256, (2, 40, 50, 3), np.uint8)
    names = {"2048": "pool_3/_reshape", "logits": "softmax/logits", "logits_unbiased": "softmax/logits/MatMul"}
    with v1.Graph().as_default() as whole, v1.Session() as session:
        tf.import_graph_def(graph, name="")
        expected = session.run(
            {tap: whole.get_tensor_by_name(f"{name}:0") for tap, name in names.items()},
            {"ExpandDims:0": images.astype(np.float32)},
        )
    extractor = features.extractor("inception_2015", weights=converted[0])
    assert list(extractor.taps) == ["2048", "768", "192", "64", "logits", "logits_unbiased"]
    assert (extractor.features, extractor.logits) == ("2048", "logits_unbiased")
    outputs = extractor.outputs(images, list(names))
    for tap, values in expected.items():
        assert np.isfinite(values).all() and values.std() > 0.01
        np.testing.assert_allclose(outputs[tap], values, rtol=1e-3, atol=1e-3 * np.abs(values).max())


def test_the_state_dict_gives_torch_fidelitys_features(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    package = importlib.util.find_spec("torch_fidelity")
    if package is None:
        pytest.skip("no torch_fidelity")
    # Its network alone, without the package's __init__, which wants torchvision.
    bare = types.ModuleType("torch_fidelity")
    bare.__path__ = package.submodule_search_locations
    monkeypatch.setitem(sys.modules, "torch_fidelity", bare)
    theirs = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
    monkeypatch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
    taps = ["64", "192", "768", "2048", "logits_unbiased", "logits"]
    with torch.device("meta"):  # which leaves out a slow initialization
        network = theirs.FeatureExtractorInceptionV3("inception-v3-compat", taps)
    network.to_empty(device="cpu")
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "bn.weight")):
            tensor.uniform_(0.5, 2)
        elif tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.1)
    path = tmp_path / "inception.pth"
    torch.save(network.state_dict(), path)
    inception_weights.convert(path, tmp_path / "w.npz")
    images = torch.randint(0, 256, (2, 3, 30, 40), dtype=torch.uint8)
    expected = dict(zip(taps, network(images), strict=True))
    extractor = features.extractor("inception_2015", weights=tmp_path / "w.npz")
    outputs = extractor.outputs(images.permute(0, 2, 3, 1).numpy(), taps)
    for tap, values in expected.items():
        assert values.std() > 0.01
        np.testing.assert_allclose(outputs[tap], values, rtol=1e-3, atol=1e-3 * float(values.abs().max()))


# === What was checked is said ===


def test_another_network_is_converted_but_said_to_be_another(converted):
    assert "it is not the published network" in converted[1]
    size, digest = converted[0].stat().st_size, files.sha256(converted[0])
    assert f"{converted[0]}: {size:,} bytes, SHA-256 {digest}" in converted[1]


def test_the_real_weights_are_recognised(shared):
    """The 768 features are enough to tell; of the file's end, which is not in the shared weights, nothing is said."""
    path = shared / "weights" / "inception_2015_768.npz"
    if not path.is_file():
        pytest.skip(f"no Inception weights: {path}")
    weights = dict(np.load(path))
    same, line = inception_weights.identify(weights, "0" * 64)
    assert same and "only names and shapes" in line
    graph_sha256 = next(iter(inception_weights.KNOWN))
    assert inception_weights.identify(weights, graph_sha256)[1].count("SHA-256 (classify_image_graph_def.pb)") == 1
    weights["mixed_7_conv/kernel"] = weights["mixed_7_conv/kernel"] * 1.01
    same, line = inception_weights.identify(weights, graph_sha256)
    assert not same and "not the published network" in line


# === Download ===


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    return tmp_path / "cache"


def test_download_from_a_server_once(cache, tool, source, converted, tmp_path, monkeypatch):
    monkeypatch.setattr(inception_weights, "PUBLISHED", inception_weights.signature(np.load(converted[0])))
    archive_of(tmp_path / "a.tgz", {"LICENSE": b"Apache", "./classify_image_graph_def.pb": source.read_bytes()})
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://localhost:{server.server_port}"
        line = inception_weights.download([f"{url}/none.tgz", f"{url}/a.tgz"])
        server.shutdown()
    assert "only names and shapes were checked" in line
    assert inception_weights.cached().read_bytes() == converted[0].read_bytes()
    assert [path.name for path in cache.iterdir()] == ["inception_2015.npz"]
    assert features.extractor("inception_2015").features == "2048"
    again = tool("--download", "--url", f"{url}/a.tgz")
    assert again.exit_code == 0 and "is there already" in again.output


def test_download_of_another_network_is_refused(cache, source, tmp_path):
    url = archive_of(tmp_path / "a.tgz", {"classify_image_graph_def.pb": source.read_bytes()}).as_uri()
    with pytest.raises(ZooError, match="not the published network.*Nothing was written"):
        inception_weights.download([url])
    assert not cache.exists()


def test_download_without_a_network(cache):
    with pytest.raises(
        ZooError, match="cannot fetch http://localhost:1/a.tgz .*refused.*--inception-weights FILE"
    ) as caught:
        inception_weights.download(["http://localhost:1/a.tgz"])
    assert "\n" not in str(caught.value) and not cache.exists()


@pytest.mark.parametrize(
    "damage, message",
    [
        ("truncated", "the archive is damaged"),
        ("no archive", "the archive is damaged"),
        ("without the graph", "holds no classify_image_graph_def.pb"),
        ("a link", "holds no classify_image_graph_def.pb"),
        ("no graph", "not a TensorFlow graph"),
        ("another graph", r"has no node conv/batchnorm \(BatchNormWithGlobalNormalization\)"),
    ],
)
def test_damaged_archives_are_one_line(cache, tmp_path, damage, message):
    name = "classify_image_graph_def.pb"
    path = tmp_path / "a.tgz"
    if damage == "without the graph":
        archive_of(path, {f"../{name}": b"x"})
    elif damage == "a link":
        with tarfile.open(path, "w:gz") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    else:
        archive_of(path, {name: b"\xff" * 100_000 if damage != "another graph" else b""})
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:50_000])
    elif damage == "no archive":
        path.write_bytes(b"<html>")
    with pytest.raises(ZooError, match=message) as caught:
        inception_weights.download([path.as_uri()])
    assert "\n" not in str(caught.value) and not cache.exists()


# === Sources that cannot be converted ===


def test_missing_and_misshaped_nodes_are_named():
    start = Graph()
    start.conv("Mul", "conv", 3, 32, 3)
    with pytest.raises(ZooError, match=r"^g.pb: the graph has no node conv_1/batchnorm .*; give .*[.]$"):
        inception_sources.from_graph(start.graph.SerializeToString(), "g.pb")
    start.conv("conv", "conv_1", 32, 31, 3)
    with pytest.raises(ZooError, match=r"^g.pb: conv_1 has shapes \[\(3, 3, 32, 31\).*should have \(3, 3, 32, 32\)"):
        inception_sources.from_graph(start.graph.SerializeToString(), "g.pb")


def test_bad_state_dicts_are_one_line(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "w.pth"
    for content, message in (
        (b"no zip", "not a PyTorch state dict"),
        ({"fc.weight": torch.zeros(3)}, "no tensor Conv2d_1a_3x3.bn.bias"),
        ([1, 2], "no tensor Conv2d_1a_3x3.bn.bias"),
        (threading.Event, "not a PyTorch state dict"),  # would take unpickling of code
    ):
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(ZooError, match=message) as caught:
            inception_weights.convert(path, tmp_path / "w.npz")
        assert "\n" not in str(caught.value) and not (tmp_path / "w.npz").exists()


def test_without_torch_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "w.pth").touch()
    with pytest.raises(ZooError, match="takes PyTorch"):
        inception_weights.convert(tmp_path / "w.pth", tmp_path / "w.npz")


# === The tool ===


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "give SOURCE and OUT.npz, or --download"),
        (["a.pb"], "give SOURCE and OUT.npz, or --download"),
        (["a.pb", "b.npz", "--download"], "give SOURCE and OUT.npz, or --download"),
        (["a.pb", "b.npz", "--url", "x"], "give SOURCE and OUT.npz, or --download"),
        (["a.pb", "b.npz"], "there is no such file"),
        (["a.onnx", "b.npz"], "give classify_image_graph_def.pb"),
        (["a.pb", "b.txt"], "are written as .npz"),
    ],
)
def test_the_tool_refuses_in_one_line(tool, arguments, message):
    done = tool(*arguments)
    assert done.exit_code == 2 and message in done.output.replace("\n", " ")


def test_the_tools_help_names_its_sources(tool):
    assert "classify_image_graph_def.pb    the graph" in tool("--help").output
