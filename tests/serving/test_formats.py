"""LiteRT and ONNX: files that their runtimes ask without TensorFlow, compared with the model, or left out."""

import json

import numpy as np
import pytest
import tensorflow as tf
import toys
from click.testing import CliRunner
from toys import lively

from tfgan_zoo import files, verbs
from tfgan_zoo.cli import main, models
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image
from tfgan_zoo.serving import examples, formats, savedmodel, table


class AnySize(toys.Encoding):
    """Translates pictures of any height and width, and asks one thing that neither LiteRT nor ONNX can."""

    @property
    def endpoints(self):
        image = Image((None, None, 3))
        return {
            "translate": Endpoint({"source": image}, image, ("generator",)),
            "oddity": Endpoint({"source": image}, image, ("generator",)),
        }

    def translate(self, inputs):
        """Endpoint: picture -> its edges."""
        kernel = tf.reshape(tf.linspace(-1.0, 1.0, 81), (3, 3, 3, 3))
        return tf.tanh(tf.nn.conv2d(inputs["source"], kernel, 1, "SAME"))

    def oddity(self, inputs):
        """Endpoint: picture -> a function of its colours: that neither format can hold."""
        colours = tf.einsum("nhwc,nhwd->ncd", inputs["source"], inputs["source"])
        return inputs["source"] * tf.math.lgamma(tf.linalg.det(colours))[:, None, None, None]


MODELS = toys.MODELS | {"any_size": AnySize}


def needs(format):
    for module in formats.FORMATS[format].modules:
        pytest.importorskip(module)


@pytest.mark.parametrize(
    ("name", "format", "quantize"),
    [
        ("dcgan_ema", "onnx", None),
        ("labelled", "onnx", None),
        ("any_size", "onnx", None),
        ("points", "litert", None),
        ("labelled", "litert", "float16"),
        ("dcgan_ema", "litert", "int8"),
        ("any_size", "litert", None),
    ],
)
def test_files_answer_as_the_model(name, format, quantize, tmp_path):
    needs(format)
    model = lively(MODELS[name]())
    path = formats.export(model, tmp_path, name="m", format=format, quantize=quantize, facts={"preset": "p"})
    assert path == tmp_path / "m" / (f"{format}_{quantize}" if quantize else format) / "1"
    card = json.loads((path / "card.json").read_text())
    first = next(iter(model.endpoints))
    assert set(card["files"]) == {first} and card["preset"] == "p" and card["quantize"] == quantize
    facts = card["files"][first]
    assert {file.name for file in path.iterdir()} == {facts["file"], "card.json"}
    assert facts["sha256"] == files.sha256(path / facts["file"]) and facts["bytes"] > 500
    # Far from the answers of another model, which `lively` weights keep apart, and at no distance of 0 where rounded.
    assert facts["largest"] > 0.1 and facts["difference"] < {None: 1e-4, "float16": 0.01, "int8": 0.5}[quantize]
    assert not quantize or facts["difference"] > 1e-5
    assert set(card["refused"]) == ({"oddity"} if name == "any_size" else set())
    if name == "any_size":
        assert card["refused"]["oddity"] and (format == "litert" or "Lgamma" in card["refused"]["oddity"])
        assert "\n" not in card["refused"]["oddity"]
    if name == "dcgan_ema":
        assert card["averaged"] is True


def test_any_number_of_rows_of_any_size():
    """What the runtimes are asked in production is not what the files were checked with."""
    needs("litert")
    from ai_edge_litert.interpreter import Interpreter

    model = AnySize()
    function = formats.asking(model, "translate").function
    with formats.quiet():
        file = formats.to_litert(function, None, savedmodel.holder(model), None)
    ask = Interpreter(model_content=file).get_signature_runner()
    for shape in ((1, 8, 8, 3), (5, 12, 7, 3)):
        source = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        np.testing.assert_allclose(ask(source=source)["images"], model.translate({"source": source}), atol=1e-5)


def test_a_file_of_another_model_is_found_out(tmp_path):
    needs("onnx")
    model = lively(MODELS["points"]())
    formats.write(model, tmp_path, "onnx")
    example = next(examples.examples(model, 3))
    weight = model.best("generator").weights[-2]
    weight.assign(weight * 1.01)
    with pytest.raises(ZooError, match=r"generate.onnx: points differ from the model's by .* \(max\)") as error:
        formats.compare(model, tmp_path / "generate.onnx", example, "onnx", None)
    assert "\n" not in str(error.value)
    (tmp_path / "generate.onnx").write_bytes(b"broken")
    with pytest.raises(ZooError, match="does not load and run in onnxruntime"):
        formats.compare(model, tmp_path / "generate.onnx", example, "onnx", None)


def test_what_cannot_be_converted_leaves_nothing(tmp_path, monkeypatch):
    needs("onnx")

    def fail(*_):
        raise ValueError("Traceback ...\nloc(x)\nfile.py:1:2: error: 'tf.Odd' op is not known\nmore")

    monkeypatch.setitem(formats.FORMATS, "onnx", formats.FORMATS["onnx"].__class__(fail, ".onnx", "x", "", ()))
    with pytest.raises(ZooError, match="onnx can hold none of its endpoints: generate: 'tf.Odd' op is not known"):
        formats.export(MODELS["points"](), tmp_path, name="m", format="onnx")
    assert not list(tmp_path.iterdir())
    row = next(table.rows(["gan"], "onnx"))
    assert row["family"] == "gan" and row["signature"] == "generate" and "tf.Odd" in row["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gif", None), "unknown format 'gif'"),
        (("onnx", "int8"), "onnx files are not quantized here; int8 is for litert"),
        (("litert", "int4"), "unknown quantization 'int4'"),
    ],
)
def test_formats_that_are_not_there(arguments, says):
    with pytest.raises(ZooError, match=says):
        formats.check(*arguments)


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match=r"litert needs ai_edge_litert: pip install 'tfgan_zoo\[litert\]'"):
        formats.check("litert", None)


def test_from_the_command_line(tmp_path, monkeypatch):
    needs("onnx")
    model = lively(MODELS["points"]())
    path = verbs.export(model, tmp_path, name="m", format="onnx")
    assert path == tmp_path / "m" / "onnx" / "1"
    monkeypatch.setattr(verbs, "export", lambda *_, **options: path if options["format"] == "onnx" else None)
    run = CliRunner().invoke(main, ["export", "gan_mnist", "--format", "onnx", "--out", str(tmp_path)])
    assert run.exit_code == 0 and "generate.onnx" in run.output and "largest difference" in run.output, run.output
    monkeypatch.undo()
    with pytest.raises(ZooError, match="a SavedModel is not quantized"):
        verbs.export(model, tmp_path, quantize="int8")


def test_the_table_says_why_not(monkeypatch, capsys):
    rows = [
        {"family": "a", "signature": "g", "difference": 1e-7, "largest": 0.5, "bytes": 2**20, "seconds": 1.0},
        {"family": "a", "signature": "h", "error": "an op"},
    ]
    monkeypatch.setattr(table, "rows", lambda *_: rows)
    monkeypatch.setattr(formats, "check", lambda *_: None)
    models.export_table(["a"], "litert", "int8")
    said = capsys.readouterr().out
    assert said.startswith("litert int8") and "why not" in said and "an op" in said and "5.0e-01" in said
