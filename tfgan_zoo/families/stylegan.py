"""StyleGAN: a style-based generator.

Karras, Laine, Aila 2019: A Style-Based Generator Architecture for Generative Adversarial Networks.
https://arxiv.org/abs/1812.04948
"""

import keras
from keras import ops

from tfgan_zoo.batches import batch_size
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.families.progan import ProGAN, adam
from tfgan_zoo.modalities import ClassLabel, Points
from tfgan_zoo.networks.growing import GrowingCritic
from tfgan_zoo.networks.styles import StyledGenerator, mapping
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Fraction, ImageShape, Positive


class StyleGAN(ProGAN):
    """z becomes a style w; the picture grows out of a learned map, and w sets scale and offset of all its channels.

    A level has two layers, each with a style and noise of its own. So styles can be mixed level by level, and noise is
    left with the details. The game is non-saturating with R1. For fewer but better pictures ask `truncate`; to narrow
    z, as for other families, does little here, since z is brought to one length.

    Args:
        image_shape, latent_dim, filters, max_filters, phase_steps, stddev_group: as `ProGAN`.
        style_dim: length of w; that of z where there is no mapping network.
        mapping_layers: of the network that makes w of z; 0 for none.
        mixing: share of the training pictures whose layers, from a random one on, have the style of another z.
        noise_inputs: whether noise is added behind each convolution.
        learned_constant: whether the first map is learned, and w enters as styles alone; else it is made of w.
        truncated_layers: the first so many styles are drawn to the mean by `truncate`.
        start_side: of the pictures in the first phase.
        kwargs: as `RealOrFake`.
    """

    # The authors raise the rate from 128x128 pixels on, to 0.003 at 1024x1024; here it is 0.001 throughout.
    players = Player("discriminator", optimizer=adam), Player("generator", ("mapping", "generator"), optimizer=adam)
    ema_networks = ("mapping", "generator")

    def __init__(
        self,
        image_shape: ImageShape = (1024, 1024, 3),
        latent_dim: Positive = 512,
        filters: Positive = 16,
        max_filters: Positive = 512,
        style_dim: Positive = 512,
        mapping_layers: Count = 8,
        mixing: Fraction = 0.9,
        noise_inputs: bool = True,
        learned_constant: bool = True,
        truncated_layers: Count = 8,
        start_side: Positive = 8,
        **kwargs,
    ):
        self.style_dim = style_dim
        self.mapping_layers = mapping_layers
        self.mixing = mixing
        self.noise_inputs = noise_inputs
        self.learned_constant = learned_constant
        self.truncated_layers = truncated_layers
        own = {"loss": "non_saturating", "penalties": {"r1": 10.0}}
        super().__init__(image_shape, latent_dim, filters, max_filters, start_side, **{**own, **kwargs})

    # === Asking ===
    @property
    def endpoints(self):
        image, w = self.element_spec["image"], Points(self.mapping.output_shape[1:])
        z, noise = {"z": Noise((self.latent_dim,))}, {"noise": Noise(self.noise_shape)} if self.noise_inputs else {}
        drawn, both = {**z, **noise}, ("mapping", "generator")
        return {
            "generate": Endpoint(drawn, image, both, target="image"),
            "mix": Endpoint({**drawn, "other": z["z"], "level": ClassLabel(len(self.sides))}, image, both),
            "truncate": Endpoint({**drawn, "psi": Points((1,))}, image, both),
            "map": Endpoint(z, w, ("mapping",)),
            "synthesize": Endpoint({"w": w, **noise}, image, ("generator",)),
        }

    @property
    def noise_shape(self):
        """One number for each position of each layer."""
        return (self.generator.get_layer("levels").places[-1][-1],)

    def latents(self, count):
        latents = {name: self.noise.normal((count, self.latent_dim)) for name in ("z", "other")}
        return latents | ({"noise": self.noise.normal((count, *self.noise_shape))} if self.noise_inputs else {})

    def generate(self, inputs):
        """Endpoint: z and noise -> a picture."""
        return self.synthesize(inputs | {"w": self.map(inputs)})

    def mix(self, inputs):
        """Endpoint: a picture in the style of z below a level (0 is that of 4x4), from it on in that of `other`."""
        w, other = self.map(inputs), self.map({"z": inputs["other"]})
        return self.drawn(inputs | {"styles": self.styles(w, other, 2 * inputs["level"])})

    def truncate(self, inputs):
        """Endpoint: a picture whose first styles are drawn towards the mean: psi 1 leaves them, 0 takes the mean."""
        w, mean = self.map(inputs), self.best("mapping").get_layer("centre").mean.value
        near = mean + inputs["psi"] * (w - mean)
        return self.drawn(inputs | {"styles": self.styles(near, w, self.truncated_layers)})

    def map(self, inputs):
        """Endpoint: z -> w."""
        return self.feed(self.best("mapping"), inputs, training=False)

    def synthesize(self, inputs):
        """Endpoint: w and noise -> a picture."""
        return self.drawn(inputs | {"styles": self.styles(inputs["w"], inputs["w"], 0)})

    def drawn(self, inputs):
        return self.feed(self.best("generator"), inputs, training=False)

    def styles(self, w, other, crossing):
        """(n, layers, style_dim): w in the layers before number `crossing`, an int or (n,), from it on `other`."""
        first = ops.arange(2 * len(self.sides)) < ops.reshape(crossing, (-1, 1))
        return ops.where(first[..., None], w[:, None], other[:, None])

    # === Playing ===
    def fake(self, batch):
        count, layers = batch_size(batch), 2 * (self.grown["level"] + 1)
        drawn = self.latents(count)
        w = self.feed(self.mapping, drawn)
        other = self.feed(self.mapping, {"z": drawn["other"]}, training=False)  # the mean of w follows the first alone
        # Each picture has a crossing of its own, as the paper says; in the authors' code a batch shares one.
        mixed = self.noise.uniform((count,)) < self.mixing
        crossing = ops.where(mixed, 1 + self.noise.integers((count,), layers - 1), layers)
        inputs = drawn | {"styles": self.styles(w, other, crossing)}
        return self.at_level(self.generator, [inputs[tensor.name] for tensor in self.generator.inputs])

    def build_networks(self):
        sizes = {"image_shape": self.image_shape, "filters": self.filters, "max_filters": self.max_filters}
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        w = mapping(z, self.mapping_layers, self.style_dim)
        levels = StyledGenerator(w.shape[1], self.noise_inputs, self.learned_constant, name="levels", **sizes)
        styles = keras.Input((2 * len(self.sides), w.shape[1]), name="styles")
        noise = [keras.Input((levels.places[-1][-1],), name="noise")] if self.noise_inputs else []
        score = GrowingCritic(stddev_group=self.stddev_group, blur=True, name="levels", **sizes)(image)
        return {
            "mapping": keras.Model(z, w, name="mapping"),
            "generator": keras.Model([styles, *noise], levels([styles, *noise]), name="generator"),
            "discriminator": keras.Model(image, score, name="discriminator"),
        }
