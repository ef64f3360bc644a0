"""Pictures that an endpoint answers, compared by features with the data's own: a translation with the other domain."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from tfgan_zoo import config, verbs, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, asked_for, assess
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import Image

RANDOM = np.random.default_rng(0)
X, Y = (RANDOM.integers(low, high, (40, 16, 16, 1), np.uint8) for low, high in ((0, 130), (100, 256)))


class Negative(AdversarialModel):
    """Two kinds of pictures; it translates by turning bright into dark, and `echo` has no place in the data."""

    players = ()
    ema_networks = ()

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.assemble()

    @property
    def element_spec(self):
        return {"x": Image((16, 16, 1)), "y": Image((16, 16, 1))}

    def build_networks(self):
        x = keras.Input((16, 16, 1), name="x")
        return {"generator": keras.Model(x, layers.Rescaling(-1.0)(x))}

    @property
    def endpoints(self):
        x, picture = {"x": Image((16, 16, 1))}, Image((16, 16, 1))
        return {
            "translate": Endpoint(x, picture, ("generator",), target="y"),
            "echo": Endpoint(x, picture, ("generator",)),
        }

    def translate(self, inputs):
        return self.feed(self.generator, inputs, training=False)

    echo = translate


@pytest.fixture(scope="module")
def model():
    return Negative()


def measured(model, metric, **options):
    return verbs.evaluate(model, against={"x": X, "y": Y}, metrics=metric, samples=40, **options)


@pytest.mark.parametrize("metric", ["fd_mnist", "swd"])
def test_answers_are_compared_with_the_target_domain(model, metric):
    found, expected = measured(model, f"{metric}@translate"), verbs.evaluate(255 - X, against=Y, metrics=metric)
    assert [result.metric for result in found] == [f"{result.metric}@translate" for result in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-5) and one.value > 0
        assert (one.samples, one.reference_samples, one.features) == (40, 40, other.features or "translate")


def test_any_features_may_be_named_and_pairs_measured_beside(model):
    (expected,) = verbs.evaluate(255 - X, against=Y, metrics="fd@random_conv")
    apart, together = (
        measured(model, "fd@translate", features="random_conv"),
        measured(model, "fd@random_conv@translate"),
    )
    for found in (*apart, *together):
        assert found.value == pytest.approx(expected.value, rel=1e-5) and found.metric == "fd@random_conv@translate"
    both = measured(model, "psnr@translate,fd@random_conv@translate")
    assert [result.metric for result in both] == ["psnr@translate", "fd@random_conv@translate"]


def test_pictures_that_the_data_lack_are_one_line(model):
    with pytest.raises(ZooError, match="fd_mnist@echo: the data hold no pictures to compare echo with"):
        measured(model, "fd_mnist@echo")
    with pytest.raises(ZooError, match="Negative: unknown endpoint 'translat': did you mean 'translate'"):
        measured(model, "fid768@translat")
    with pytest.raises(ZooError, match="unknown metric 'fid768@translate'"):
        asked_for(Protocol(("fid768@translate",)))  # where there is no model


@pytest.mark.parametrize("name", ["fid768@translate", "fd_mnist@y", "fid@y", "psnr@translate", "fd@pixels@cycle_x"])
def test_names_that_only_an_endpoint_can_complete(name):
    assert registry.of_endpoint(name)


@pytest.mark.parametrize("name", ["fid768", "fd@translate", "fid@inception_2015:768", "precision@encode", "nosuch@x"])
def test_names_that_may_be_complete(name):
    assert not registry.of_endpoint(name)


def test_a_cyclegan_is_measured_on_its_own_data_with_a_floor():
    glyphs = '{ source = "synthetic", name = "glyphs", size = 60, faces = ["%s"] }'
    data = [f"data.x={glyphs % 'DejaVuSans-Bold'}", f"data.y={glyphs % 'STIXGeneral'}"]
    model = ["image_shape=[16, 16, 1]", "filters=4", "blocks=1", "discriminator_filters=4", "discriminator_halvings=2"]
    experiment = config.load("cyclegan_glyphs", [*data, *(f"model.{setting}" for setting in model)])
    protocol = Protocol(("swd@translate_xy",), samples=30)
    results = assess.assess(
        zoo.build(experiment), experiment, "tiny", protocol, options={"data_dir": None, "download": False}
    )
    for result in results:
        assert result.floor is not None and 0 < result.floor < result.value  # an untrained model
        assert result.reference_samples and json.dumps(result.as_dict())
