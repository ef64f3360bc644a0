"""Learning rates that change over the steps, beside those of `keras.optimizers.schedules`. Presets name them alike."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """`initial_learning_rate` for `constant_steps` steps, then down to 0 on a straight line, `decay_steps` long.

    As CycleGAN is trained: Zhu et al. 2017, https://arxiv.org/abs/1703.10593, section 4. In a preset:

        [train.optimizers.generator.learning_rate]
        name = "constant_then_linear"
        initial_learning_rate = 2e-4
        constant_steps = 5_000
        decay_steps = 5_000

    Args:
        initial_learning_rate: the constant rate.
        constant_steps: how long it lasts, in the optimizer's own steps; 0 or more.
        decay_steps: from there to rate 0; 1 or more.
    """

    def __init__(
        self, initial_learning_rate: float, constant_steps: int, decay_steps: int, name="constant_then_linear"
    ):
        super().__init__()
        if constant_steps < 0 or decay_steps < 1:
            raise ValueError(
                f"constant_steps={constant_steps}, decay_steps={decay_steps}: must be 0 or more and 1 or more."
            )
        self.initial_learning_rate = initial_learning_rate
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps
        self.name = name

    def __call__(self, step):
        left = self.constant_steps + self.decay_steps - ops.cast(step, "float32")
        return self.initial_learning_rate * ops.clip(left / self.decay_steps, 0.0, 1.0)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
            "name": self.name,
        }
