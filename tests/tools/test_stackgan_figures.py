"""What the figures of StackGAN measure, and pictures between texts."""

import numpy as np
import pytest
from click.testing import CliRunner
from families.test_stackgan import TEXTS, small

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tools.figures import blends, stackgan


@pytest.fixture(scope="module")
def model():
    return small()


def test_both_stages_are_measured_on_the_same_texts_and_seeds(model):
    texts = model.element_spec["text"].encode(TEXTS * 10)
    rows = {"text": texts, "image": np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)}
    found = stackgan.stages(model, rows, "ms_ssim", 20)
    names = ("ms_ssim", "retrieval", "retrieval_first")
    assert set(found) == {f"{name} {stage}" for name in names for stage in ("sketch", "picture")}
    small_ones = model.sample(range(40), endpoint="sketch", text=texts).numpy()
    enlarged = stackgan.sketches(model, texts)
    assert enlarged.shape == (40, 16, 16, 3)
    np.testing.assert_array_equal(enlarged[7], images.scale(small_ones[7], 16, 16))


def test_spreads_tell_where_variety_comes_from(model):
    texts = model.element_spec["text"].encode(TEXTS)
    found = stackgan.spreads(model, texts)
    assert min(found.values()) > 0.001
    plain = stackgan.spreads(small(augmented=False), texts)
    assert plain["spread_conditions"] < 1e-12 and plain["spread_z"] == pytest.approx(plain["spread"], rel=0.3)
    assert stackgan.strip(model, texts, each=2).shape[2] == 3


def test_blends_begin_and_end_as_their_texts(model, tmp_path):
    ((first, middle, last),) = blends.blended(model, ["red apple > green ball"], 3, 5)
    for picture, text in ((first, "red apple"), (last, "green ball")):
        np.testing.assert_allclose(picture.astype(int), model.sample([5], text=text).numpy()[0], atol=1)
    assert (middle != first).any() and (middle != last).any()
    model.save(tmp_path / "model.keras")
    arguments = [str(tmp_path / "model.keras"), "red ball > apple", "--out", str(tmp_path / "x.png"), "--steps", "4"]
    done = CliRunner().invoke(blends.main, arguments)
    assert done.exit_code == 0, done.output
    height, width, _ = images.decode(tmp_path / "x.png").shape
    assert width > 3 * height


def test_refusals_are_one_line(model):
    for pairs in (["red apple"], ["red > green > ball"], ["> ball"]):
        with pytest.raises(ZooError, match="write two texts with > between them") as caught:
            blends.blended(model, pairs, 3, 0)
        assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="unknown endpoint 'blend'"):
        blends.blended(DCGAN((8, 8, 3), filters=2), ["a > b"], 3, 0)
