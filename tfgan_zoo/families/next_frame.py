"""Next-frame prediction: a frame that might come next, in place of the mean of all that might.

Lotter, Kreiman, Cox 2015: Unsupervised Learning of Visual Structure using Predictive Generative Networks.
https://arxiv.org/abs/1511.06380 And, as arguments, Mathieu, Couprie, LeCun 2016: Deep Multi-Scale Video Prediction
beyond Mean Square Error. https://arxiv.org/abs/1511.05440

Of the past X, G makes the next frame Y' = G(X), at several scales s of which D judges each:

    G:  min  E |Y - Y'|^p + w_gdl GDL(Y, Y') - w_adv sum_s E log D_s(X, Y'_s)
    D:  min  -sum_s E log D_s(X, Y_s) + E log(1 - D_s(X, Y'_s))

Lotter et al.: one scale, p = 2, no GDL (gradient difference loss); D enters when G has learnt by its error alone.
Mathieu et al.: all from the start, each player on a batch of its own; here both see one, as in the zoo's other games.
"""

from functools import partial
from typing import Literal

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.modalities import Video
from tfgan_zoo.networks import frames
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Halvings, ImageShape, Positive, Weight

adam, sgd = partial(keras.optimizers.Adam, 1e-3), keras.optimizers.SGD


class NextFrame(AdversarialModel):
    """A network foresees the frame after those it has seen, and after its own answers those that follow.

    Args:
        past: frames that it sees.
        image_shape: (height, width, channels) of a frame, float [-1, 1].
        predictor: "recurrent", Lotter et al.'s; or "multiscale", Mathieu et al.'s, a network for each of `scales`.
        scales: of "multiscale", 1 to 4, the first of the paper's four; each is twice as large as the one before, and
            the first has sides of 4 or more.
        filters: channels of convolutions; "multiscale" has up to 4 times as many, Mathieu et al. 128.
        units: of "recurrent", of the LSTM and of the discriminator's dense layers.
        norm: p, 1 or 2.
        gdl_weight: of the gradient difference loss.
        adversarial_weight: of -log D; 0 for no discriminator. Lotter et al. have 2e-4 beside squared errors in [0, 1],
            which are 4 times as large here.
        restore_steps: how long G learns by its errors alone, before D enters; 0 for D from the start.
        ahead: frames that `predict` adds to a video.
    """

    def __init__(
        self,
        past: Positive = 5,
        image_shape: ImageShape = (32, 32, 1),
        predictor: Literal["recurrent", "multiscale"] = "recurrent",
        scales: Halvings = 4,
        filters: Positive = 32,
        units: Positive = 1024,
        norm: Literal[1, 2] = 2,
        gdl_weight: Weight = 0.0,
        adversarial_weight: Weight = 8e-4,
        restore_steps: Count = 20_000,
        ahead: Positive = 8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.past, self.image_shape, self.ahead = past, tuple(image_shape), ahead
        self.predictor, self.scales, self.filters, self.units = predictor, scales, filters, units
        self.norm, self.gdl_weight, self.adversarial_weight = norm, gdl_weight, adversarial_weight
        self.restore_steps = restore_steps
        if adversarial_weight and restore_steps:
            self.phases = Phase("restore", restore_steps), Phase("deceive")
        slow, fast = (adam, adam) if predictor == "recurrent" else (partial(sgd, 0.02), partial(sgd, 0.04))
        judge = Player("discriminator", optimizer=slow, phases=tuple(phase.name for phase in self.phases[1:]))
        players = judge, Player("generator", optimizer=fast)
        self.players = players if adversarial_weight else players[1:]
        self.assemble()

    @property
    def element_spec(self):
        return {"video": Video((self.past + 1, *self.image_shape))}

    @property
    def endpoints(self):
        clip, any_length = self.element_spec["video"], Video((None, *self.image_shape))
        return {
            "predict": Endpoint({"video": any_length}, any_length, ("generator",)),
            "foresee": Endpoint({"video": clip}, clip, ("generator",), target="video"),
        }

    def predict(self, x, *arguments, **options):
        """Endpoint: a video of any length -> the same, and `ahead` frames more."""
        # Keras calls its own `predict` with options.
        if arguments or options or not isinstance(x, dict):
            return super().predict(x, *arguments, **options)
        return self.continued(x["video"], self.ahead)

    def foresee(self, inputs):
        """Endpoint: a clip -> the same, with its last frame foreseen from those before it."""
        return self.continued(inputs["video"][:, :-1], 1)

    def continued(self, video, count):
        """A video and `count` frames more; before its first frame it is taken to have stood still."""
        before = ops.repeat(video[:, :1], self.past, axis=1)
        for _ in range(count):
            past = ops.concatenate([before, video], axis=1)[:, -self.past :]
            made = keras.tree.flatten(self.best("generator")(past, training=False))
            video = ops.concatenate([video, ops.expand_dims(made[-1], 1)], axis=1)
        return video

    def latents(self, count):
        return {}

    def fake(self, batch):
        """The next frame at each scale, the coarsest first; of "recurrent", at one."""
        return keras.tree.flatten(self.generator(batch["video"][:, :-1], training=self.training))

    def judge(self, batch, made):
        return self.discriminator([batch["video"][:, :-1], *made], training=self.training)

    def discriminator_loss(self, batch, fake):
        real = frames.pyramid(batch["video"][:, -1], len(fake))
        return len(fake) * losses.minimax_discriminator(self.judge(batch, real), self.judge(batch, fake))

    def generator_loss(self, batch, fake):
        true, made = batch["video"][:, -1], fake[-1]
        loss = restore = ops.mean(ops.abs(true - made) ** self.norm)
        terms = {"restore": restore}
        if self.gdl_weight:
            terms["gdl"] = losses.gradient_difference(true, made)
            loss = loss + self.gdl_weight * terms["gdl"]
        if not self.adversarial_weight or self.phase == "restore":
            return loss, terms
        terms["deceive"] = len(fake) * losses.called_real(self.judge(batch, fake))
        return loss + self.adversarial_weight * terms["deceive"], terms

    def build_networks(self):
        past, sizes = keras.Input((self.past, *self.image_shape), name="past"), {"filters": self.filters}
        if self.predictor == "recurrent":
            make, judge, sizes = frames.recurrent, frames.judged, sizes | {"units": self.units}
        else:
            make, judge = partial(frames.multiscale, scales=self.scales), frames.judged_at_scales
        networks = {"generator": keras.Model(past, made := make(past, **sizes), name="generator")}
        if self.adversarial_weight:
            given = [keras.Input(frame.shape[1:], name=f"frame_{place}") for place, frame in enumerate(made)]
            networks["discriminator"] = keras.Model([past, *given], judge(past, given, **sizes), name="discriminator")
        return networks
