"""AnoGAN: what a GAN of normal pictures cannot make is not normal.

Schlegl, Seeböck, Waldstein, Schmidt-Erfurth, Langs 2017: Unsupervised Anomaly Detection with Generative Adversarial
Networks to Guide Marker Discovery. https://arxiv.org/abs/1703.05921
With an encoder it is f-AnoGAN: Schlegl, Seeböck, Waldstein, Langs, Schmidt-Erfurth 2019: f-AnoGAN: Fast unsupervised
anomaly detection with generative adversarial networks. https://doi.org/10.1016/j.media.2019.01.010
"""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.families import dcgan
from tfgan_zoo.modalities import Points
from tfgan_zoo.networks.inversion import descended
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, ImageShape, Positive, Weight


class AnoGAN(dcgan.DCGAN):
    """A DCGAN that is trained on normal pictures alone. A picture's score is how far it is from the nearest made one.

    The nearest is searched for by descent through the generator, a hundred or more passes for each picture. An encoder,
    taught in a second phase while generator and discriminator stay as they are, finds it in one.

    Args:
        image_shape, latent_dim, filters, kernel_size: as `DCGAN`.
        search_steps: of Adam, from a random z.
        search_rate: its learning rate, which falls to 0. The paper tells none.
        feature_weight: lambda, the share of the discriminator's features in the distance; the rest is the pixels'.
        with_encoder: whether the second phase, `encode`, is played.
        encoder_feature_weight: kappa, of the features in what the encoder learns and in its score.
        kwargs: as `RealOrFake`.
    """

    def __init__(
        self,
        image_shape: ImageShape = (64, 64, 1),
        latent_dim: Positive = 100,
        filters: Positive = 128,
        kernel_size: Positive = 5,
        search_steps: Positive = 500,
        search_rate: Weight = 0.01,
        feature_weight: Fraction = 0.1,
        with_encoder: bool = False,
        encoder_feature_weight: Weight = 1.0,
        **kwargs,
    ):
        self.search_steps = search_steps
        self.search_rate = search_rate
        self.feature_weight = feature_weight
        self.with_encoder = with_encoder
        self.encoder_feature_weight = encoder_feature_weight
        if with_encoder:
            self.phases = Phase("play", 30_000), Phase("encode", 50_000)
            self.players = (
                Player("discriminator", phases=("play",)),
                Player("generator", phases=("play",)),
                Player("encoder", optimizer=partial(keras.optimizers.RMSprop, 5e-5), phases=("encode",)),
            )
        super().__init__(image_shape, latent_dim, filters, kernel_size, **kwargs)

    @property
    def endpoints(self):
        made = super().endpoints
        (drawn, image), score = ({**made["generate"].inputs}, made["generate"].output), Points((1,))
        networks = "generator", "discriminator"
        made["score"] = Endpoint({"image": image, **drawn}, score, networks, exported=False)  # it takes gradients
        if self.with_encoder:
            made["score_encoded"] = Endpoint({"image": image}, score, (*networks, "encoder"))
            made["reconstruct"] = Endpoint({"image": image}, image, ("generator", "encoder"), target="image")
        return made

    def score(self, inputs):
        """Endpoint: a picture, and the z where the search begins -> how far the nearest made picture is."""
        distance = partial(self.distance, inputs["image"], self.features(inputs["image"]))
        z = descended(distance, inputs["z"], self.search_steps, self.search_rate)
        return distance(z)[:, None]

    def distance(self, image, features, z):
        """(1 - lambda) sum |x - G(z)| + lambda sum |f(x) - f(G(z))| of each row (equations 4 to 6)."""
        made = self.generate({"z": z})
        residual, discrimination = ops.abs(image - made), ops.abs(features - self.features(made))
        residual, discrimination = (ops.sum(self.flat(gap), axis=1) for gap in (residual, discrimination))
        return (1 - self.feature_weight) * residual + self.feature_weight * discrimination

    def features(self, image):
        """f: what the discriminator's last layer sees, (n, length)."""
        last = self.discriminator.layers[-2]
        return ops.cast(keras.Model(self.discriminator.input, last.input)(image, training=False), "float32")

    @staticmethod
    def flat(x):
        return ops.reshape(x, (ops.shape(x)[0], -1))

    # === f-AnoGAN ===
    def score_encoded(self, inputs):
        """Endpoint: a picture -> how far it is from the one made of its code."""
        return self.encoded_distance(inputs["image"], self.reconstruct(inputs))[:, None]

    def reconstruct(self, inputs):
        """Endpoint: a picture -> G(E(x)), a normal picture that is like it."""
        return self.generate({"z": self.feed(self.encoder, inputs, training=False)})

    def encoded_distance(self, image, made):
        """mean (x - x')^2 + kappa mean (f(x) - f(x'))^2 of each row."""
        gaps = image - made, self.features(image) - self.features(made)
        residual, discrimination = (ops.mean(self.flat(ops.square(gap)), axis=1) for gap in gaps)
        return residual + self.encoder_feature_weight * discrimination

    def fake(self, batch):
        return None if self.phase == "encode" else super().fake(batch)

    def encoder_loss(self, batch, fake):
        z = self.feed(self.encoder, batch)
        return ops.mean(self.encoded_distance(batch["image"], self.generate({"z": z})))

    def build_networks(self):
        networks = super().build_networks()
        if self.with_encoder:  # DCGAN's discriminator turned encoder, as its generator; f-AnoGAN has WGAN-GP's ResNets
            image = keras.Input(self.image_shape, name="image")
            x = dcgan.downwards(image, self.filters, self.kernel_size)
            z = layers.Dense(self.latent_dim, kernel_initializer=dcgan.weights())(x)
            z = layers.Activation("tanh", dtype="float32")(z)  # z is drawn from U(-1, 1)
            networks["encoder"] = keras.Model(image, z, name="encoder")
        return networks
