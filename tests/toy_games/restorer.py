"""A game in two phases, in the plane."""

import keras
import tensorflow as tf

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.modalities import Points
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player


class Restorer(AdversarialModel):
    """A generator that first learns by mean squared error, then against a discriminator."""

    players = (
        Player("restorer", networks=("generator",), phases=("restore",)),
        Player("discriminator", phases=("deceive",)),
        Player("generator", phases=("deceive",)),
    )
    phases = (Phase("restore", 3), Phase("deceive"))

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = 2
        self.assemble()
        self.begun = []

    @property
    def element_spec(self):
        return {"point": Points((2,))}

    def begin(self, phase):
        self.begun.append((phase, int(self.step.numpy())))

    def restorer_loss(self, batch, fake):
        return tf.reduce_mean(tf.square(batch["point"] - fake))

    def discriminator_loss(self, batch, fake):
        return losses.called_real(self.discriminator(batch["point"])) + losses.called_fake(self.discriminator(fake))

    def generator_loss(self, batch, fake):
        return losses.called_real(self.discriminator(fake))

    def build_networks(self):
        z, point = keras.Input((2,), name="z"), keras.Input((2,), name="point")
        return {
            "generator": keras.Model(z, keras.layers.Dense(2, dtype="float32")(z), name="generator"),
            "discriminator": keras.Model(point, keras.layers.Dense(1, dtype="float32")(point), name="discriminator"),
        }
