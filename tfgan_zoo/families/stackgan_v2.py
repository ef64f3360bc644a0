"""StackGAN-v2 (StackGAN++): pictures of several scales at once, each with a discriminator of its own.

Zhang, Xu, Li, Zhang, Wang, Huang, Metaxas 2018: StackGAN++: Realistic Image Synthesis with Stacked Generative
Adversarial Networks. https://arxiv.org/abs/1710.10916
"""

from itertools import pairwise

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.augment import augment
from tfgan_zoo.families.stackgan import StackGAN
from tfgan_zoo.networks import captions, stacked
from tfgan_zoo.networks.growing import shrunk
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, ImageShape, Positive, Weight


class StackGANV2(StackGAN):
    """One stream of maps is enlarged scale by scale, and each scale draws its picture; all scales learn together.

    A discriminator judges the picture alone as well as with its text, and pictures of neighbouring scales are to have
    the same colours.

    Args:
        image_shape: of the largest pictures.
        ratio: how many times smaller the smallest pictures are: 4 makes three scales.
        blocks: residual blocks before each enlargement to the next scale.
        unconditional_weight: of the losses of pictures without their text.
        colour_weight: lambda_1 of equation 9, of the pixels' mean; that of their covariance is 5 times as much. The
            authors' code has 50, and 0 for birds with texts.
        mismatched_weight: as `GANCLS`, for pictures with their texts.
        filters: channels of the discriminators' first maps.
        generator_filters: channels of the generator's maps at the smallest pictures; each further scale halves them.
        augmented, kl_weight, vocabulary, text_length, latent_dim, code_dim, text_dim, interpolation_weight, group,
            augment: as `StackGAN`.
        kwargs: as `AdversarialModel`.
    """

    phases = (Phase("match", 3000), Phase("draw"))
    makers = ("augmenter", "generator")
    noises = (("z", "latent_dim"), ("e", "text_dim"))
    ema_networks = makers

    def __init__(
        self,
        image_shape: ImageShape = (256, 256, 3),
        ratio: Positive = 4,
        blocks: Count = 2,
        unconditional_weight: Weight = 1.0,
        colour_weight: Weight = 0.0,
        mismatched_weight: Weight = 1.0,
        generator_filters: Positive = 32,
        **kwargs,
    ):
        self.unconditional_weight = unconditional_weight
        self.colour_weight = colour_weight
        self.generator_filters = generator_filters
        self.judges = tuple(f"discriminator_{scale + 1}" for scale in range(ratio.bit_length()))
        self.players = (
            Player("encoder", ("text_encoder", "image_encoder"), phases=("match",)),
            Player("discriminator", self.judges, phases=("draw",)),
            Player("generator", self.makers, phases=("draw",)),
        )
        super().__init__(image_shape, ratio, blocks, mismatched_weight=mismatched_weight, **kwargs)

    # === Asking ===
    def sketch(self, inputs):
        """Endpoint: noise and a text -> the smallest picture."""
        return self.made("", self.embed_text(inputs), inputs, live=False)[0]

    def picture(self, code, inputs):
        return self.made("", code, inputs, live=False)[-1]

    # === Playing ===
    def judge(self, images, mean):
        """For each scale: the logits of the pictures with their texts, and of the pictures alone."""
        judges = (getattr(self, name) for name in self.judges)
        seen = (augment(x, self.noise, self.augment) for x in images)
        return [self.feed(judge, {"image": x, "mean": mean}) for judge, x in zip(judges, seen, strict=True)]

    def discriminator_loss(self, batch, fake):
        code, made = fake
        mean, _ = self.conditions(self.augmenter, code)  # what c is drawn around stands for the text
        real = [shrunk(batch["image"], halvings) for halvings in reversed(range(len(made)))]
        right, wrong = self.judge(real, mean), self.judge(real, captions.neighbours(mean))
        loss = 0.0
        for (pair, alone), (other, _), (drawn, lone) in zip(right, wrong, self.judge(made, mean), strict=True):
            mismatched = losses.called_fake(other) + losses.called_fake(drawn)
            loss += losses.called_real(pair) + self.mismatched_weight * mismatched
            # Alone, pictures with a wrong text are real ones too, as in the authors' code.
            loss += self.unconditional_weight * (2 * losses.called_real(alone) + losses.called_fake(lone))
        return loss

    def generator_loss(self, batch, fake):
        code, made = fake
        colour = sum(colour_difference(*scales) for scales in pairwise(made))
        loss = self.deceive(made, code) + self.colour_weight * colour
        if self.interpolation_weight:
            between = (code + captions.neighbours(code)) / 2
            loss += self.interpolation_weight * self.deceive(self.draw(between), between)
        return self.varied(loss, code, colour=colour)

    def deceive(self, made, code):
        """-E[log D] over all scales, of pictures with their texts and alone."""
        mean, _ = self.conditions(self.augmenter, code)
        pairs = [
            losses.called_real(pair) + self.unconditional_weight * losses.called_real(alone)
            for pair, alone in self.judge(made, mean)
        ]
        return sum(pairs)

    def build_networks(self):
        scales, units, (*sides, colours) = len(self.judges), self.text_dim, self.image_shape
        z, code, c, mean = (
            keras.Input((size,), name=name)
            for name, size in (("z", self.latent_dim), ("code", self.code_dim), ("c", units), ("mean", units))
        )
        made = {
            "augmenter": (code, stacked.gated_augmenter(code, units)),
            "generator": (
                [z, c],
                stacked.branches(z, c, self.image_shape, scales, self.generator_filters, self.blocks),
            ),
        }
        for halvings, name in enumerate(reversed(self.judges)):
            image = keras.Input((*(side >> halvings for side in sides), colours), name="image")
            made[name] = [image, mean], stacked.judged_twice(image, mean, self.filters)
        networks = {name: keras.Model(inputs, outputs, name=name) for name, (inputs, outputs) in made.items()}
        return captions.encoders(self) | networks


def colour_difference(small, large):
    """Equation 9: how far mean and covariance of the pixels' colours are apart; the smaller picture stands still."""
    (mean, covariance), (target_mean, target_covariance) = colours(large), map(ops.stop_gradient, colours(small))
    return ops.mean(ops.square(mean - target_mean)) + 5 * ops.mean(ops.square(covariance - target_covariance))


def colours(pictures):
    """Mean (n, c) and covariance (n, c, c) of the pixels of each picture."""
    pixels = ops.reshape(pictures, (-1, pictures.shape[1] * pictures.shape[2], pictures.shape[3]))
    mean = ops.mean(pixels, axis=1, keepdims=True)
    spread = pixels - mean
    return mean[:, 0], ops.matmul(ops.swapaxes(spread, 1, 2), spread) / pixels.shape[1]
