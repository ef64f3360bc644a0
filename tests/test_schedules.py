import keras
import numpy as np
import pytest

from tfgan_zoo.schedules import ConstantThenLinear


def test_it_is_constant_then_falls_to_zero_on_a_line():
    schedule = ConstantThenLinear(2e-4, constant_steps=4, decay_steps=10)
    rates = [float(schedule(step)) for step in (0, 3, 4, 5, 9, 13, 14, 100)]
    np.testing.assert_allclose(rates, 2e-4 * np.array([1, 1, 1, 0.9, 0.5, 0.1, 0, 0]), rtol=1e-5, atol=1e-12)


def test_keras_reads_it_back():
    schedule = ConstantThenLinear(1e-3, constant_steps=2, decay_steps=5)
    optimizer = keras.optimizers.Adam(schedule)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert again.get_config()["learning_rate"]["config"] == schedule.get_config()
    assert float(again.learning_rate) == pytest.approx(1e-3)


@pytest.mark.parametrize("wrong", [{"constant_steps": -1, "decay_steps": 1}, {"constant_steps": 1, "decay_steps": 0}])
def test_impossible_lengths_are_refused(wrong):
    with pytest.raises(ValueError, match="constant_steps"):
        ConstantThenLinear(1e-3, **wrong)


def test_a_preset_names_it():
    from tfgan_zoo import config, training, zoo

    rate = "{name='constant_then_linear', initial_learning_rate=1e-3, constant_steps=2, decay_steps=5}"
    table = f"train.optimizers.generator.learning_rate={rate}"
    experiment = config.load("dcgan_glyphs", ["model.image_shape=[8, 8, 1]", table], smoke=True)
    optimizer = training.optimizers(zoo.build(experiment), experiment)["generator"]
    assert optimizer.get_config()["learning_rate"]["class_name"] == "ConstantThenLinear"
    assert optimizer.beta_1 == 0.5, "what the table leaves out stays as in the paper"
