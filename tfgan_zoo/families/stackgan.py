"""StackGAN: a sketch from a sentence, then a picture from both.

Zhang, Xu, Li, Zhang, Wang, Huang, Metaxas 2017: StackGAN: Text to Photo-realistic Image Synthesis with Stacked
Generative Adversarial Networks. https://arxiv.org/abs/1612.03242
"""

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.augment import augment
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.gan_cls import GANCLS
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks import captions, stacked
from tfgan_zoo.networks.growing import shrunk
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, ImageShape, Positive, Weight


class StackGAN(GANCLS):
    """Stage I draws a small picture of a text; then stage II learns to make a large one of it, which may correct it.

    Both take conditions c ~ N(mu, sigma^2) in place of the text's code, mu and sigma functions of the code
    (conditioning augmentation), so that near codes are drawn too and one text has many pictures.

    Args:
        image_shape: (height, width, channels), float [-1, 1].
        ratio: how many times smaller the sketch is, a power of two.
        blocks: residual blocks of stage II.
        augmented: whether c varies; else it is mu.
        kl_weight: of KL(N(mu, sigma^2) || N(0, I)), a mean over the numbers of c, in the generators' losses.
        vocabulary, text_length, latent_dim, code_dim, group, interpolation_weight, augment: as `GANCLS`.
        text_dim: length of c, and of what the discriminators compress the code to.
        filters: channels of the discriminators' first maps, N_d; twice as many are the authors' N_g.
        mismatched_weight: as `GANCLS`. The wrong pictures are other ones of the batch, those of the authors of another
            class.
        kwargs: as `AdversarialModel`.
    """

    phases = (Phase("match", 3000), Phase("sketch", 83_000), Phase("refine"))
    players = (
        Player("encoder", ("text_encoder", "image_encoder"), phases=("match",)),
        Player("discriminator", phases=("sketch",)),
        Player("generator", ("augmenter", "generator"), phases=("sketch",)),
        Player("discriminator_2", phases=("refine",)),
        Player("generator_2", ("augmenter_2", "generator_2"), phases=("refine",)),
    )
    makers = ("augmenter", "generator", "augmenter_2", "generator_2")
    noises = (("z", "latent_dim"), ("e", "text_dim"), ("e_2", "text_dim"))
    ema_networks = makers

    def __init__(
        self,
        image_shape: ImageShape = (256, 256, 3),
        ratio: Positive = 4,
        blocks: Count = 4,
        augmented: bool = True,
        kl_weight: Weight = 2.0,
        **kwargs,
    ):
        if ratio < 2 or ratio & (ratio - 1) or image_shape[0] % ratio or image_shape[1] % ratio:
            raise ZooError(f"ratio={ratio}: must be 2, 4, 8 ... and divide image_shape={list(image_shape)}.")
        self.ratio = ratio
        self.blocks = blocks
        self.augmented = augmented
        self.kl_weight = kl_weight
        self.sketch_shape = image_shape[0] // ratio, image_shape[1] // ratio, image_shape[2]
        super().__init__(image_shape, **kwargs)

    # === Asking ===
    @property
    def endpoints(self):
        found = super().endpoints
        inputs = {name: found["generate"].inputs[name] for name in ("z", "e", "text")}
        return {**found, "sketch": Endpoint(inputs, Image(self.sketch_shape), ("text_encoder", *self.makers[:2]))}

    def latents(self, count):
        return {name: self.noise.normal((count, getattr(self, size))) for name, size in self.noises}

    def sketch(self, inputs):
        """Endpoint: noise and a text -> the small picture of stage I."""
        return self.made("", self.embed_text(inputs), inputs, live=False)

    def picture(self, code, inputs):
        small = self.made("", code, inputs, live=False)
        return self.made("_2", code, inputs | {"low_res": small}, live=False)

    def made(self, stage, code, inputs, live):
        """What the generator of a stage makes of a text's code; `live` while it trains, else as it is asked."""
        parts = [f"{name}{stage}" for name in ("augmenter", "generator")]
        augmenter, generator = (getattr(self, name) if live else self.best(name) for name in parts)
        mean, log_sigma = self.conditions(augmenter, code)
        c = mean + ops.exp(log_sigma) * inputs[f"e{stage}"] if self.augmented else mean
        return self.feed(generator, inputs | {"c": c}, None if live else False)

    def conditions(self, augmenter, code):
        return ops.split(augmenter(code), 2, axis=-1)

    # === Playing ===
    @property
    def stage(self):
        return "_2" if self.phase == "refine" else ""

    def draw(self, code):
        inputs = self.latents(ops.shape(code)[0])
        if self.stage:  # stage I rests; the authors' goes on to normalize by the batch
            inputs["low_res"] = self.made("", code, inputs, live=False)
        return self.made(self.stage, code, inputs, live=True)

    def judge(self, image, code):
        seen = {"image": augment(image, self.noise, self.augment), "code": code}
        return self.feed(getattr(self, f"discriminator{self.stage}"), seen)

    def discriminator_loss(self, batch, fake):
        halvings = 0 if self.stage else self.ratio.bit_length() - 1
        return super().discriminator_loss({"image": shrunk(batch["image"], halvings)}, fake)

    def generator_loss(self, batch, fake):
        return self.varied(super().generator_loss(batch, fake), fake[0])

    def varied(self, loss, code, **terms):
        """A generator's loss with the KL divergence of conditioning augmentation; c = mu needs none."""
        if self.augmented:
            mean, log_sigma = self.conditions(getattr(self, f"augmenter{self.stage}"), code)
            terms["kl"] = losses.divergence_from_normal(mean, 2 * log_sigma) / self.text_dim
            loss += self.kl_weight * terms["kl"]
        return loss, terms

    discriminator_2_loss, generator_2_loss = discriminator_loss, generator_loss

    def build_networks(self):
        code, c = keras.Input((self.code_dim,), name="code"), keras.Input((self.text_dim,), name="c")
        z, small = keras.Input((self.latent_dim,), name="z"), keras.Input(self.sketch_shape, name="low_res")
        made = {
            "augmenter": (code, stacked.augmenter(code, self.text_dim)),
            "generator": ([z, c], stacked.sketch(z, c, self.sketch_shape, self.filters)),
            "augmenter_2": (code, stacked.augmenter(code, self.text_dim)),
            "generator_2": ([small, c], stacked.refined(small, c, self.image_shape, self.filters, self.blocks)),
        }
        for stage, shape in (("", self.sketch_shape), ("_2", self.image_shape)):
            image = keras.Input(shape, name="image")
            made[f"discriminator{stage}"] = [image, code], stacked.judged(image, code, self.filters, self.text_dim)
        networks = {name: keras.Model(inputs, outputs, name=name) for name, (inputs, outputs) in made.items()}
        return captions.encoders(self) | networks
