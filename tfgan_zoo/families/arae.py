"""ARAE: adversarially regularized autoencoder, of sentences or of binary pictures.

Zhao, Kim, Zhang, Rush, LeCun 2018: Adversarially Regularized Autoencoders. https://arxiv.org/abs/1706.04223

    c = enc(x) of length 1,  c~ = G(z),  e ~ N(0, s^2)
    autoencoder    min  -E[log dec(x | c + e)] + l (E[D(c)] - E[D(c~)])
    D              max   E[D(c)] - E[D(c~)] - penalty
    G              min  -E[D(c~)]
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Image, Points, Text
from tfgan_zoo.networks import codes
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, Positive, Weight

sgd = partial(keras.optimizers.SGD, 1.0, global_clipnorm=1.0)
adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.5)


class ARAE(AdversarialModel):
    """The codes of an autoencoder and those made of noise become alike: codes in between mean something too.

    Args:
        vocabulary: the words that texts are made of; the data say them where they are left out.
        text_length: words of a text that are read and written.
        image_shape: (height, width, channels) for pictures in place of texts; a pixel above the middle grey is white.
        code_dim: length of the code, and width of words and LSTMs.
        latent_dim: length of z, drawn from N(0, I).
        units: width of generator and discriminator.
        encoder_weight: l, of the encoder's part in the game; 0 trains a plain autoencoder beside it.
        gp_weight: of the penalty that holds the gradient of D near length 1.
        code_noise: s, deviation of the noise on codes before they are decoded; it fades while training.
        code_noise_decay: by which it fades in 100 steps.
        discriminator_steps: updates of D per turn.
    """

    from_data = ("vocabulary",)

    def __init__(
        self,
        vocabulary: tuple[str, ...] = (),
        text_length: Positive = 15,
        image_shape: tuple[Positive, ...] = (),
        code_dim: Positive = 300,
        latent_dim: Positive = 100,
        units: Positive = 300,
        encoder_weight: Weight = 0.1,
        gp_weight: Weight = 1.0,
        code_noise: Weight = 0.1,
        code_noise_decay: Fraction = 0.9995,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary = tuple(vocabulary)
        self.text_length = text_length
        self.image_shape = tuple(image_shape)
        self.code_dim = code_dim
        self.latent_dim = latent_dim
        self.units = units
        self.encoder_weight = encoder_weight
        self.gp_weight = gp_weight
        self.code_noise = code_noise
        self.code_noise_decay = code_noise_decay
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("autoencoder", networks=("encoder", "decoder"), optimizer=sgd),
            Player("discriminator", steps=discriminator_steps, optimizer=adam),
            Player("generator", optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        text = Text((self.text_length,), self.vocabulary)
        return {"image": Image(self.image_shape)} if self.image_shape else {"text": text}

    @property
    def endpoints(self):
        ((key, kind),) = self.element_spec.items()
        code, both, share = Points((self.code_dim,)), ("encoder", "decoder"), Points((1,))
        return {
            "generate": Endpoint({"z": Noise((self.latent_dim,))}, kind, ("generator", "decoder"), target=key),
            "encode": Endpoint({key: kind}, code, ("encoder",)),
            "reconstruct": Endpoint({key: kind}, kind, both, target=key),
            "blend": Endpoint({key: kind, "other": kind, "share": share}, kind, both),
            "restore_cost": Endpoint({key: kind, "other": kind}, Points((1,)), both),
        }

    def generate(self, inputs):
        """Endpoint: noise -> a text or a picture, by way of a made code."""
        return self.decode(self.feed(self.best("generator"), inputs, training=False))

    def encode(self, inputs):
        """Endpoint: a text or a picture -> its code, of length 1."""
        return self.feed(self.encoder, inputs, training=False)

    def reconstruct(self, inputs):
        """Endpoint: what is left of a text or a picture in its code."""
        return self.decode(self.encode(inputs))

    def blend(self, inputs):
        """Endpoint: what lies between two; `share` 0 is the first, 1 the other."""
        one, other = self.encode(inputs), self.encode_other(inputs)
        return self.decode(one + inputs["share"] * (other - one))

    def restore_cost(self, inputs):
        """Endpoint: -log p of a text or a picture, given the code of the `other`: in nats a place or a pixel."""
        return self.costs(inputs, self.encode_other(inputs), training=False)

    def encode_other(self, inputs):
        return self.encode({key: inputs["other"] for key in self.element_spec})

    def decode(self, code):
        if self.image_shape:
            return 2 * ops.sigmoid(self.feed(self.decoder, {"code": code}, training=False)) - 1
        blank = ops.zeros((ops.shape(code)[0], self.text_length), "int32")
        return self.decoder.get_layer("language").write(blank, code=code)

    def costs(self, batch, code, training=None):
        """-log p of each row, given a code: float32 (n, 1), the mean over its places."""
        return codes.costs(self.feed(self.decoder, batch | {"code": code}, training), batch)

    def autoencoder_loss(self, batch, fake):
        # The authors take both terms' steps one after the other; here they are one step on the sum of the equation.
        code = self.feed(self.encoder, batch)
        spread = self.code_noise * self.code_noise_decay ** (ops.cast(self.step.value, "float32") / 100)
        cost = ops.mean(self.costs(batch, code + spread * self.noise.normal(ops.shape(code))))
        return cost + self.encoder_weight * ops.mean(self.discriminator(code)), {"reconstruction": cost}

    def discriminator_loss(self, batch, fake):
        real, critic = self.feed(self.encoder, batch), self.discriminator
        gp = penalties.gradient_penalty(critic, real, fake, self.noise.per_row(real))
        wasserstein = losses.wasserstein_critic(critic(real), critic(fake))
        return wasserstein + self.gp_weight * gp, {"wasserstein": -wasserstein, "gp": gp}

    def generator_loss(self, batch, fake):
        return losses.wasserstein_generator(self.discriminator(fake))

    def build_networks(self):
        (kind,), made = self.element_spec.values(), codes.of_pictures if self.image_shape else codes.of_texts
        return made(kind, self.code_dim) | codes.players(self.latent_dim, self.code_dim, self.units)
