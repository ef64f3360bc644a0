"""DAGAN: more pictures of a class from one of them, also of classes that were never seen.

Antoniou, Storkey, Edwards 2017: Data Augmentation Generative Adversarial Networks. https://arxiv.org/abs/1711.04340
Networks and hyperparameters: the authors' code for Omniglot.
"""

from functools import partial

import keras

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks import uresnet
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.0, beta_2=0.9)


class DAGAN(AdversarialModel):
    """The critic tells pairs of real pictures of one class from pairs of a real one and what was made of it.

    The generator must keep the class, which the critic can compare, and must not copy: the second picture of a real
    pair is another one. It learns no class of its own, so it can be asked about new ones.

    Args:
        image_shape: (height, width, channels), float [-1, 1].
        latent_dim: length of z, drawn from N(0, I).
        filters: channels of the two larger sizes of both networks; the two smaller ones have twice as many.
        generator_layers, discriminator_layers: convolutions in each block.
        dropout: share left out after each block, in both networks.
        gp_weight: lambda of the gradient penalty.
        discriminator_steps: critic updates per generator update.
    """

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: Positive = 100,
        filters: Positive = 64,
        generator_layers: Positive = 3,
        discriminator_layers: Positive = 5,
        dropout: Fraction = 0.5,
        gp_weight: Weight = 10.0,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.generator_layers = generator_layers
        self.discriminator_layers = discriminator_layers
        self.dropout = dropout
        self.gp_weight = gp_weight
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=adam),
            Player("generator", optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"source": Image(self.image_shape), "target": Image(self.image_shape)}

    @property
    def endpoints(self):
        source, target = self.element_spec.values()
        inputs = {"source": source, "z": Noise((self.latent_dim,))}
        return {"augment": Endpoint(inputs, target, ("generator",), target="target")}

    def augment(self, inputs):
        """Endpoint: a picture and noise -> another picture of its class."""
        return self.generate(inputs)

    def judge(self, batch, target):
        return self.feed(self.discriminator, batch | {"target": target})

    def discriminator_loss(self, batch, fake):
        real, critic = batch["target"], partial(self.judge, batch)
        # The authors take the norm over the columns of a picture apart; here it is that of the whole, as in WGAN-GP.
        gp = penalties.gradient_penalty(critic, real, fake, self.noise.per_row(real))
        wasserstein = losses.wasserstein_critic(critic(real), critic(fake))
        return wasserstein + self.gp_weight * gp, {"wasserstein": -wasserstein, "gp": gp}

    def generator_loss(self, batch, fake):
        return losses.wasserstein_generator(self.judge(batch, fake))

    def build_networks(self):
        source, target = (keras.Input(self.image_shape, name=name) for name in ("source", "target"))
        z, widths = keras.Input((self.latent_dim,), name="z"), (self.filters,) * 2 + (2 * self.filters,) * 2
        # The authors' normalization in the generator is batch renormalization, which Keras 3 lacks.
        made = uresnet.generated(source, z, widths, self.generator_layers, self.dropout)
        score = uresnet.score(source, target, widths, self.discriminator_layers, self.dropout)
        return {
            "generator": keras.Model([source, z], made, name="generator"),
            "discriminator": keras.Model([source, target], score, name="discriminator"),
        }
