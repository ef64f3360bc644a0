"""Pairs made of the pictures of a folder, each at its own size: what is taken, compared and refused."""

import numpy as np
import pytest
import tensorflow as tf
from families.contracts import make
from helpers import run

from tfgan_zoo import config, evaluation, images, verbs, zoo
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Pictures, assess
from tfgan_zoo.evaluation.own_sizes import OwnSizes, any_size
from tfgan_zoo.families.srgan import SRGAN
from tfgan_zoo.metrics.maths import pictures as maths
from tfgan_zoo.modalities import ClassLabel, Image, Mask

ANY = Image((None, None, 3))
UPSCALE = Endpoint({"low_res": ANY}, ANY, ("generator",), target="high_res")
SPEC = {"low_res": Image((4, 4, 3)), "high_res": Image((16, 16, 3))}


class Bicubic(SRGAN):
    """Enlarges by Keys' cubic convolution, as the tables of the literature have it for a baseline."""

    def upscale(self, inputs):
        x = inputs["low_res"]
        return tf.image.resize(x, tf.shape(x)[1:3] * self.scale, "bicubic")


@pytest.fixture(scope="module")
def bicubic():
    return Bicubic((16, 16, 3), 4, 4, 0, discriminator_filters=2, units=2, perceptual="random_conv")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TFGAN_ZOO_DATA", raising=False)


@pytest.fixture
def folder(tmp_path):
    """Three pictures of unlike sizes, the last one grey."""
    random = np.random.default_rng(0)
    for number, shape in enumerate([(22, 27, 3), (40, 21, 3), (21, 20, 1)]):
        coarse = random.integers(0, 256, (-(-shape[0] // 4), -(-shape[1] // 4), shape[2]), np.uint8)
        picture = images.enlarge(coarse, 4)[: shape[0], : shape[1]]
        images.save_image(tmp_path / "photographs" / f"{number}.png", picture)
    return tmp_path / "photographs"


# === What a row is ===
def test_a_picture_loses_what_makes_no_whole_pixel_of_the_small_one(folder):
    rows = list(OwnSizes(Pictures(folder), UPSCALE, SPEC, {}).rows())
    assert [row["low_res"].shape for row in rows] == [(1, 5, 6, 3), (1, 10, 5, 3), (1, 5, 5, 3)]
    assert [row["high_res"].shape for row in rows] == [(1, 20, 24, 3), (1, 40, 20, 3), (1, 20, 20, 1)]
    first = images.decode(folder / "0.png")
    np.testing.assert_array_equal(rows[0]["high_res"][0], first[:20, :24])
    np.testing.assert_array_equal(rows[0]["low_res"][0], images.scale(first[:20, :24], 5, 6))
    assert (np.ptp(rows[2]["low_res"], axis=-1) == 0).all()  # a model of three channels sees grey in all of them


def test_what_is_derived_keeps_its_proportions_and_its_settings(folder):
    spec = {"image": Image((16, 32, 3)), "mask": Mask((16, 32, 1)), "low_res": Image((4, 8, 3))}
    endpoint = Endpoint({"image": ANY, "mask": Mask((None, None, 1))}, ANY, ("generator",), target="image")
    stream = OwnSizes(Pictures(folder), endpoint, spec, {"mask": {"mask": 0.25}})
    row = next(stream.rows())
    assert {key: value.shape[1:] for key, value in row.items()} == {
        "image": (20, 24, 3), "mask": (20, 24, 1), "low_res": (5, 6, 3)
    }  # fmt: skip
    assert (row["mask"] == 255).mean() == pytest.approx(5 * 6 / (20 * 24))
    assert list(stream.rows())[2]["image"].shape == (1, 20, 20, 3)  # it is taken too, so it has the model's channels


def test_equal_folders_and_settings_have_equal_fingerprints(folder):
    one, again = (OwnSizes(Pictures(folder), UPSCALE, SPEC, {}).fingerprint for _ in range(2))
    twice = OwnSizes(Pictures(folder), UPSCALE, {**SPEC, "low_res": Image((8, 8, 3))}, {}).fingerprint
    fewer = OwnSizes(Pictures(folder, 2), UPSCALE, SPEC, {}).fingerprint
    assert one == again and len({one, twice, fewer}) == 3


def test_which_endpoints_take_any_size():
    assert any_size(UPSCALE)
    assert not any_size(Endpoint({"image": Image((8, 8, 3))}, ANY, ()))
    assert not any_size(Endpoint({"low_res": ANY}, ClassLabel(3), ()))


def test_what_a_folder_does_not_give_is_told_in_one_line(folder, tmp_path):
    for spec, told in (
        ({**SPEC, "label": ClassLabel(3)}, "wants label too"),
        ({"x": SPEC["low_res"], "y": SPEC["low_res"]}, "wants y too"),
    ):
        with pytest.raises(ZooError, match=told) as caught:
            OwnSizes(Pictures(folder), UPSCALE, spec, {})
        assert "\n" not in str(caught.value)
    images.save_image(tmp_path / "tiny" / "a.png", np.zeros((3, 30, 3), np.uint8))
    with pytest.raises(ZooError, match="3x30 pixels is too small"):
        list(OwnSizes(Pictures(tmp_path / "tiny"), UPSCALE, SPEC, {}).rows())


# === Measuring ===
def test_a_folder_is_measured_picture_by_picture(bicubic, folder):
    results = verbs.evaluate(bicubic, ["psnr.border=2"], against=folder, metrics="psnr@upscale,ssim,sharpness@upscale")
    values = {result.metric: result.value for result in results}
    by_hand = []
    for row in OwnSizes(Pictures(folder), UPSCALE, SPEC, {}).rows():
        (answer,) = bicubic.sample([0], endpoint="upscale", low_res=row["low_res"]).numpy()
        (truth,) = row["high_res"]
        by_hand.append(maths.psnr(*(maths.shave(x, 2) for x in (images.bend(answer, truth.shape), truth))))
    assert values["psnr@upscale"] == pytest.approx(np.mean(by_hand))
    assert set(values) == {"psnr@upscale", "ssim", "sharpness@upscale"} and 0 < values["sharpness@upscale"] < 1
    result = results[0]
    assert (result.samples, result.reference, result.settings["border"]) == (3, f"folder {folder}", 2)
    assert result.reference_fingerprint and result.features == "upscale"


@pytest.mark.parametrize("name, published", [("Set5", 28.43), ("Set14", 25.99)])
def test_published_bicubic_by_the_whole_path(shared, bicubic, name, published):
    """Pillow makes the small pictures, TensorFlow enlarges them: the table's figure, within 0.01 dB."""
    folder = shared / "data" / "sr" / name
    if not folder.is_dir():
        pytest.skip(f"no {name} in {shared}")
    (result,) = verbs.evaluate(bicubic, ["psnr.border=4", "psnr.luma=true"], against=folder, metrics="psnr@upscale")
    assert result.value == pytest.approx(published, abs=0.01)


def test_a_preset_says_what_it_is_measured_against(folder, tmp_path):
    experiment = config.load("srgan_t91", ["evaluate.against=photographs", f"data.data_dir={tmp_path}"], smoke=True)
    assert config.load("srgan_t91", smoke=True).evaluate.against is None  # of other data
    model = make("srgan")
    protocol = evaluation.Protocol(settings={"psnr": {"border": 2}})
    results = assess.assess(model, experiment, "it", protocol, options={"data_dir": None, "download": False})
    assert [result.metric for result in results] == ["psnr@upscale", "ssim@upscale", "sharpness@upscale"]
    assert {result.reference for result in results} == {"folder photographs"}
    assert [result.settings for result in results] == [{"border": b, "luma": True} for b in (2, 4, 4)]


def test_an_endpoint_of_one_size_sees_a_folder_at_that_size(folder):
    model = zoo.build("bigan_mnist", image_shape=(8, 8, 1), latent_dim=4, units=8)
    (result,) = verbs.evaluate(model, against=folder, metrics="psnr@reconstruct")
    assert result.samples == 3 and result.value > 0


def test_a_folder_that_is_not_there_is_one_line(bicubic, tmp_path):
    with pytest.raises(ZooError, match="'nowhere'") as caught:
        verbs.evaluate(bicubic, against="nowhere", metrics="psnr@upscale")
    assert "\n" not in str(caught.value)


def test_the_command_line_measures_a_run_against_a_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("train", "srgan_t91", "--smoke").exit_code == 0
    measured = run("evaluate", "runs/srgan_t91", "photographs", "--metrics", "psnr@upscale", "psnr.border=2")
    assert measured.exit_code == 0 and "psnr@upscale" in measured.output, measured.output
