"""Sheets of samples: the same noise and the same conditions, laid out for people."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow
from toys import CLASSES, MODELS, lively

from tfgan_zoo import images, sheets
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Points, Text, Video
from tfgan_zoo.noise import NoiseStream


class Answering:
    """A stand-in for a model: each endpoint answers with made-up data of its kind, the same for the same rows."""

    name = "answering"

    def __init__(self, **endpoints):
        self.endpoints, self.latent_dim = endpoints, 4
        self.noise = NoiseStream(0, tf.constant(0, tf.int64))
        for name, endpoint in endpoints.items():
            setattr(self, name, lambda inputs, kind=endpoint.output: self.answer(inputs, kind))

    def latents(self, count):
        return {"z": self.noise.normal((count, self.latent_dim))}

    def answer(self, inputs, kind):
        count = next(iter(inputs.values())).shape[0] or tf.shape(next(iter(inputs.values())))[0]
        datum = kind.to_model(tf.constant(kind.example(1, np.random.default_rng(0))))
        return tf.repeat(datum, count, axis=0)


def read(path):
    """The picture in a file."""
    return images.decode(path)


def rows_of(model, count=10):
    """Held-out data for the model's conditions."""
    random = np.random.default_rng(0)
    conditions = {key: kind for endpoint in model.endpoints.values() for key, kind in endpoint.conditions.items()}
    return {key: kind.example(count, random) for key, kind in conditions.items()}


def drawn(model, folder, count=16, rows=None):
    """The sheets of a model, drawn for step 3."""
    made = sheets.sheets_of(model, count, rows or {})
    return made, [sheet.draw(folder, 3) for sheet in made]


# === One endpoint ===
@pytest.mark.parametrize("name", ["dcgan_ema", "gan"])
def test_pictures_of_seeds(name, tmp_path):
    model = lively(MODELS[name]())
    (sheet,), (path,) = drawn(model, tmp_path)
    assert path == tmp_path / "step-00000003.png" and sheet.count == 16
    np.testing.assert_array_equal(read(path), images.grid(model.sample(range(16)).numpy()))
    again = sheets.sheets_of(model, 16, {})[0].draw(tmp_path / "again", 3)
    assert again.read_bytes() == path.read_bytes()
    model.generator.set_weights([value * 2 for value in model.generator.get_weights()])
    model.best("generator").set_weights([value * 2 for value in model.best("generator").get_weights()])
    assert sheet.draw(tmp_path, 4).read_bytes() != path.read_bytes()  # the weights of now


@pytest.mark.parametrize("count, shown", [(16, 15), (3, CLASSES), (60, 60)])
def test_classes_stand_in_columns(count, shown, tmp_path):
    model = lively(MODELS["labelled"]())
    (sheet,), (path,) = drawn(model, tmp_path, count, rows={"label": np.zeros(4, np.int32)})
    assert sheet.count == shown and sheet.given["label"].tolist() == [i % CLASSES for i in range(shown)]
    expected = model.sample(range(shown), label=sheet.given["label"]).numpy()
    np.testing.assert_array_equal(read(path), images.grid(expected, CLASSES))


@pytest.mark.parametrize("name", ["points", "labelled_points"])
def test_points_are_plotted_together(name, tmp_path):
    (sheet,), (path,) = drawn(lively(MODELS[name]()), tmp_path)
    assert sheet.count == sheets.CROWD
    with Pillow.open(path) as picture:
        assert max(picture.size) <= 260 and (np.asarray(picture) < 255).sum() > 100


@pytest.mark.parametrize(
    "kind, suffix",
    [(Audio((600, 1)), ".wav"), (Video((3, 8, 8, 1)), ".gif"), (Text((4,), ("a", "red", "pear")), ".txt")],
)
def test_sounds_films_and_texts_in_their_own_format_too(kind, suffix, tmp_path):
    model = Answering(generate=Endpoint({"z": Noise((4,))}, kind, ("generator",)))
    _, (path,) = drawn(model, tmp_path, count=6)
    assert {p.name for p in tmp_path.iterdir()} == {"step-00000003.png", f"step-00000003{suffix}"}
    assert read(path).std() > 0
    if suffix == ".txt":
        assert len(path.with_suffix(suffix).read_text().splitlines()) == 6


# === Several endpoints ===
def test_answers_stand_below_what_they_answer_to(tmp_path):
    model = lively(MODELS["encoding"]())
    rows = rows_of(model)
    made, paths = drawn(model, tmp_path, count=16, rows=rows)
    # Codes and classes have no picture of their own; the data of `paint` are codes.
    assert [path.name for path in paths] == ["step-00000003.png", "reconstruct-00000003.png", "paint-00000003.png"]
    sheet = made[1]
    assert sheet.count == 10  # as many as there are rows
    answers = model.sample(range(10), "reconstruct", image=rows["image"]).numpy()
    np.testing.assert_array_equal(read(paths[1]), sheets.paired([rows["image"], answers]))
    painted = model.sample(range(10), "paint", code=rows["code"]).numpy()
    np.testing.assert_array_equal(read(paths[2]), images.grid(painted))


def test_the_main_sheet_is_the_first_that_can_be_asked(tmp_path):
    taken = {"paint": {"code": Points((4,))}, "generate": {"z": Noise((4,))}}
    model = Answering(**{name: Endpoint(inputs, Image((8, 8, 1)), ("generator",)) for name, inputs in taken.items()})
    assert [(sheet.name, sheet.prefix) for sheet in sheets.sheets_of(model, 4, {})] == [("generate", "step")]


def test_without_held_out_data_only_what_seeds_give(tmp_path):
    made = sheets.sheets_of(lively(MODELS["encoding"]()), 16, {})
    assert [sheet.name for sheet in made] == ["generate"]


def test_a_main_endpoint_that_takes_data(tmp_path):
    kind = Image((8, 8, 3))
    model = Answering(translate=Endpoint({"image": kind, "label": ClassLabel(3)}, kind, ("generator",)))
    rows = rows_of(model, 4) | {"label": np.zeros(4, np.int32)}
    (sheet,), (path,) = drawn(model, tmp_path, count=16, rows=rows)
    assert path.name == "step-00000003.png" and sheet.count == 4
    assert sheet.given["label"].tolist() == [0, 1, 2, 0] and len(sheet.given["image"]) == 4


def test_points_that_answer_to_data(tmp_path):
    model = Answering(encode=Endpoint({"image": Image((8, 8, 1))}, Points((2,)), ("encoder",)))
    (sheet,), _ = drawn(model, tmp_path, rows=rows_of(model, 12))
    assert sheet.count == 12  # of the thousand that would be plotted, as many as there are


# === Layout ===
def test_rows_that_belong_together():
    above = np.zeros((5, 4, 4, 1), np.uint8)
    below = np.full((5, 8, 8, 3), 200, np.uint8)
    sheet = sheets.paired([above, below], columns=3)
    cell = (sheet.shape[1] - 2) // 3
    rows = [sheet[2 + cell * row + cell // 2, 2 + cell // 2].tolist() for row in range(4)]
    assert rows == [[0, 0, 0], [200] * 3, [0, 0, 0], [200] * 3]
    assert sheet[2 + cell * 2 + cell // 2, 2 + cell * 2 + cell // 2].tolist() == [255] * 3  # the sixth is empty
    assert sheets.paired([above[:1], below[:1]]).shape[1] < sheet.shape[1]


def test_the_data_themselves(tmp_path):
    random = np.random.default_rng(0)
    image, point, label = Image((8, 8, 1)), Points((2,)), ClassLabel(3)
    rows = {"image": image.example(6, random), "point": point.example(6, random), "label": label.example(6, random)}
    sheets.real(tmp_path / "image.png", {"image": image, "label": label, "point": point}, rows)
    np.testing.assert_array_equal(read(tmp_path / "image.png"), images.grid(rows["image"]))
    sheets.real(tmp_path / "point.png", {"point": point}, rows)
    np.testing.assert_array_equal(read(tmp_path / "point.png"), images.grid(point.picture(rows["point"])))
    both = rows | {"other": 255 - rows["image"]}
    sheets.real(tmp_path / "both.png", {"image": image, "other": image}, both)
    np.testing.assert_array_equal(read(tmp_path / "both.png"), sheets.paired([both["image"], both["other"]]))
    sheets.real(tmp_path / "none.png", {"label": label}, rows)
    assert not (tmp_path / "none.png").exists()


# === TensorBoard ===
@pytest.mark.parametrize(
    "kind, plugin",
    [(Audio((400, 1), 8_000), "audio"), (Text((4,), ("red", "bus")), "text"), (Video((3, 8, 8, 1)), None)],
)
def test_tensorboard_plays_sounds_and_shows_the_rest(kind, plugin, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = Answering(generate=Endpoint({"z": Noise((4,))}, kind, ()))
    (sheet,) = sheets.sheets_of(model, 3, {})
    with tf.summary.create_file_writer(str(tmp_path / "board")).as_default():
        sheet.draw(tmp_path, 7)
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    shown = {board.SummaryMetadata(tag).plugin_data.plugin_name for tag in board.Tags()["tensors"]}
    assert shown == {"images", *filter(None, [plugin])}
    assert {event.step for tag in board.Tags()["tensors"] for event in board.Tensors(tag)} == {7}
