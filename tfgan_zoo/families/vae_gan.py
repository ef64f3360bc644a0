"""VAE/GAN: an autoencoder whose pictures are compared by what a discriminator sees in them, not by their pixels.

Larsen, Sønderby, Larochelle, Winther 2016: Autoencoding beyond pixels using a learned similarity metric.
https://arxiv.org/abs/1512.09300
Networks and hyperparameters: the authors' code for CelebA, without its weight decay of 1e-5.
"""

from functools import partial
from typing import Literal

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.batches import batch_size, of_all_replicas
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.networks import autoencoder
from tfgan_zoo.players import Player
from tfgan_zoo.types import ImageShape, Positive, Weight

EVEN = 0.68  # what a discriminator that cannot tell pays for a picture: about log 2


@keras.saving.register_keras_serializable("tfgan_zoo")
class RMSprop(keras.optimizers.RMSprop):
    """Keras' own, but where all gradients of a variable are 0, as those of a player at rest, its mean square stays."""

    def update_step(self, gradient, variable, learning_rate):
        kept, rests = self._velocities[self._get_variable_index(variable)], ops.all(gradient == 0)
        super().update_step(ops.where(rests, ops.sqrt(kept), gradient), variable, ops.where(rests, 0.0, learning_rate))


class VAEGAN(AdversarialModel):
    """The encoder of a VAE, a GAN's discriminator, and between them one network that is decoder and generator.

    Encoder and decoder are to make pictures again so that the discriminator's inner maps are alike; the decoder is to
    deceive it too, with these pictures and with others made of noise. Each of the three learns from its own losses.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides are multiples of 8.
        latent_dim: length of z, drawn from N(0, I).
        filters: channels of the encoder's first map; the other networks keep their ratios to it.
        units: width of the encoder's dense layer; the discriminator's is half as wide.
        objective: "vae_gan"; "pixels", where pixels are compared instead; or "vae", pixels without a discriminator.
        similarity_weight: gamma, of the likeness in the decoder's loss (of a sum over all numbers of the maps).
        margin: how far from balance a player rests for a turn: the discriminator where it pays less than 0.68 - margin
            for real or for made pictures, the decoder where one of them costs it more than 0.68 + margin.
    """

    def __init__(
        self,
        image_shape: ImageShape = (64, 64, 3),
        latent_dim: Positive = 128,
        filters: Positive = 64,
        units: Positive = 1024,
        objective: Literal["vae_gan", "pixels", "vae"] = "vae_gan",
        similarity_weight: Weight = 1e-5,
        margin: Weight = 0.35,
        **kwargs,
    ):
        super().__init__(**{"updates": "simultaneous", **kwargs})  # Algorithm 1
        if image_shape[0] % 8 or image_shape[1] % 8:
            raise ZooError(f"image_shape={list(image_shape)}: the sides must be multiples of 8, such as 32 or 64.")
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.units = units
        self.objective = objective
        self.similarity_weight = similarity_weight
        self.margin = margin
        names = ("encoder", "generator", "discriminator")[: 2 if objective == "vae" else 3]
        self.players = tuple(Player(name, optimizer=partial(RMSprop, 3e-4)) for name in names)
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    @property
    def endpoints(self):
        image = Image(self.image_shape)
        return super().endpoints | {
            "encode": Endpoint({"image": image}, Points((self.latent_dim,)), ("encoder",)),
            "reconstruct": Endpoint({"image": image}, image, ("encoder", "generator"), target="image"),
        }

    def encode(self, inputs):
        """Endpoint: a picture -> the mean of its code."""
        return ops.split(self.feed(self.encoder, inputs, training=False), 2, axis=-1)[0]

    def reconstruct(self, inputs):
        """Endpoint: a picture -> the picture made of the mean of its code."""
        return self.generate({"z": self.encode(inputs)})

    def fake(self, batch):
        """Codes, pictures made of them and of noise, and what the discriminator sees, once for all players."""
        mean, log_variance = ops.split(self.feed(self.encoder, batch), 2, axis=-1)
        z = mean + ops.exp(log_variance / 2) * self.noise.normal(ops.shape(mean))
        if self.objective == "vae":
            return {"code": (mean, log_variance), "again": self.feed(self.generator, {"z": z})}
        codes = ops.concatenate([z, self.latents(batch_size(batch))["z"]])
        made = self.feed(self.generator, {"z": codes})
        together = ops.concatenate([batch["image"], made])  # and normalized together, as in the authors' code
        judged = self.feed(self.discriminator, {"image": together})
        seen = {name: ops.split(value, 3) for name, value in judged.items()}  # of real, again, drawn
        return {"code": (mean, log_variance), "again": ops.split(made, 2)[0], **seen}

    def similarity(self, batch, fake):
        """-log p of a picture given its code, but for a constant: a Gaussian of variance 1 of maps, or of pixels."""
        one, other = (batch["image"], fake["again"]) if self.objective != "vae_gan" else fake["features"][:2]
        return losses.squared_distance(one, other) / 2

    def encoder_loss(self, batch, fake):
        divergence, similarity = losses.divergence_from_normal(*fake["code"]), self.similarity(batch, fake)
        return divergence + similarity, {"divergence": divergence, "similarity": similarity}

    def generator_loss(self, batch, fake):
        loss = self.similarity(batch, fake)
        if self.objective == "vae":
            return loss
        _, again, drawn = fake["logit"]
        deceive = losses.minimax_generator(again) + losses.minimax_generator(drawn)
        return self.balance(fake)[1] * (self.similarity_weight * loss + deceive)

    def discriminator_loss(self, batch, fake):
        real, made = self.costs(fake)
        return self.balance(fake)[0] * (real + made), {"real": real, "made": made}

    def costs(self, fake):
        """What real and made pictures cost the discriminator."""
        real, again, drawn = fake["logit"]
        return losses.called_real(real), (losses.called_fake(again) + losses.called_fake(drawn)) / 2

    def balance(self, fake):
        """1.0 or 0.0 for the discriminator and the decoder: whether they learn, by what this turn costs everywhere."""
        costs = ops.mean(of_all_replicas(ops.stack(self.costs(fake))[None]), axis=0)
        strong, weak = ops.any(costs < EVEN - self.margin), ops.any(costs > EVEN + self.margin)
        both = ops.logical_or(ops.logical_and(strong, weak), not self.training)
        return [ops.cast(ops.logical_or(both, ops.logical_not(rests)), "float32") for rests in (strong, weak)]

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        code = autoencoder.encoder(image, self.filters, self.units, 2 * self.latent_dim)
        made = {"encoder": (image, code), "generator": (z, autoencoder.decoder(z, self.image_shape, self.filters))}
        if self.objective != "vae":
            made["discriminator"] = image, autoencoder.judged(image, self.filters, max(1, self.units // 2))
        return {name: keras.Model(taken, answer, name=name) for name, (taken, answer) in made.items()}
