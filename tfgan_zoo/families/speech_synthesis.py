"""Adversarial speech synthesis: natural variation in statistical parametric speech.

Saito, Takamichi, Saruwatari 2018: Statistical Parametric Speech Synthesis Incorporating Generative Adversarial
Networks. https://arxiv.org/abs/1709.08041

Of linguistic features x, G makes values and slopes of cepstra, R of these a smooth trajectory y'; D sees single frames:

    L_MGE = (1/T) ||y - y'||^2, y' = R G(x),   L_ADV = -(1/T) sum_t log D(y'_t)
    G:  min  L_MGE + w (E[L_MGE] / E[L_ADV]) L_ADV
    D:  min  -(1/T) sum_t log D(y_t) - (1/T) sum_t log(1 - D(y'_t))
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Audio, ClassLabel
from tfgan_zoo.networks import speech
from tfgan_zoo.networks.spectra import Standardizer, of_frames
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

adagrad = partial(keras.optimizers.Adagrad, 0.01)
MEASURED = 135  # steps whose data tell the mean and the deviation of each coefficient
MEMORY = 0.99  # of E[L_MGE] and E[L_ADV]: a step does not know the epoch whose means the paper takes; both lag alike


class SpeechSynthesis(AdversarialModel):
    """Words of several speakers, of a given length, as cepstra by frames and as sound.

    Its course: `mge` (minimum generation error alone), `discriminate` (the discriminator alone), `adversarial` (both).

    Args:
        samples, rate: of the longest sound, and of a second; shorter ones end in silence.
        words, speakers: how many. A sound's label is word * speakers + speaker: 0_anna, 0_bert, 1_anna ... in order.
        order: cepstral coefficients of a frame.
        units, discriminator_units: width of the three hidden layers of the acoustic model, of the discriminator's two.
        adversarial_weight: w; 0 for minimum generation error to the end.
    """

    ema_networks = ()
    phases = (Phase("mge", 3_375), Phase("discriminate", 675), Phase("adversarial", 6_750))

    def __init__(
        self,
        samples: Positive = 8_192,
        rate: Positive = 8_000,
        words: Positive = 10,
        speakers: Positive = 6,
        order: Positive = 25,
        units: Positive = 400,
        discriminator_units: Positive = 200,
        adversarial_weight: Weight = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.samples, self.rate, self.frames = samples, rate, samples // speech.steps(rate)[1]
        self.words, self.speakers = words, speakers
        self.order, self.units, self.discriminator_units = order, units, discriminator_units
        self.adversarial_weight = adversarial_weight
        self.players = (
            Player("discriminator", optimizer=adagrad, phases=("discriminate", "adversarial")),
            Player("generator", optimizer=adagrad, phases=("mge", "adversarial")),
        )
        self.expected = self.add_weight((2,), "zeros", trainable=False, aggregation="mean", name="expected")
        self.assemble()

    @property
    def element_spec(self):
        return {"audio": Audio((self.samples, 1), self.rate), "label": ClassLabel(self.words * self.speakers)}

    @property
    def endpoints(self):
        spec, networks = self.element_spec, ("generator", "standard")
        asked = {"word": ClassLabel(self.words), "speaker": ClassLabel(self.speakers), "seconds": Noise((1,))}
        return {
            "synthesize": Endpoint(asked, spec["audio"], networks),
            "repeat": Endpoint(spec, spec["audio"], networks, "audio"),
        }

    def synthesize(self, inputs):
        """Endpoint: a word, a speaker and a length in seconds -> a sound of that length."""
        length = ops.round(inputs["seconds"] * self.rate / speech.steps(self.rate)[1])
        return self.spoken(inputs["word"] * self.speakers + inputs["speaker"], ops.clip(length, 1, self.frames))

    def repeat(self, inputs):
        """Endpoint: a sound and its label -> the same word by the same speaker in the same length."""
        return self.spoken(inputs["label"], self.natural(inputs)[1])

    def spoken(self, label, length):
        made = self.standard.get_layer("standard").undo(self.predicted(label, length, training=False))
        return speech.sound_of(made, length, self.rate, self.samples)[..., None]

    def predicted(self, label, length, training):
        """y', standardized: (n, frames, order)."""
        told = speech.linguistic(label, self.words, self.speakers, length, self.frames)
        return speech.trajectories(ops.cast(self.generator(told, training=training), "float32"), length)

    def natural(self, batch):
        """Cepstra of the sounds, and how many frames they have: (n, frames, order), (n, 1)."""
        sound = batch["audio"][..., 0]
        return speech.cepstra(sound, self.rate, self.order), speech.length_of(sound, self.rate)

    def latents(self, count):
        return {"seconds": self.noise.uniform((count, 1), 0.3, 0.6)}  # as long as most digits are

    def begin(self, phase):
        if self.compiled:
            self.optimizer.restart()

    def fake(self, batch):
        coefficients, length = self.natural(batch)
        made = self.predicted(batch["label"], length, self.training)
        return {"real": self.standard(coefficients), "made": made, "mask": speech.mask_of(length, self.frames)}

    def play(self, slices):
        share = ops.where(self.step < MEASURED, 1 / (ops.cast(self.step, "float32") + 1), 0.0)
        coefficients, length = self.natural(slices[-1])
        self.standard.get_layer("standard").learn(coefficients, share, speech.mask_of(length, self.frames))
        logs = super().play(slices)
        if "adversarial" in logs:
            self.expected.assign(MEMORY * self.expected + (1 - MEMORY) * ops.stack([logs["mge"], logs["adversarial"]]))
        return logs

    def discriminator_loss(self, batch, fake):
        real, made = (self.discriminator(fake[side])[..., 0] for side in ("real", "made"))
        spoofed = ops.mean(of_frames(ops.cast(made > 0, "float32"), fake["mask"]))
        return ops.mean(of_frames(ops.softplus(-real) + ops.softplus(made), fake["mask"])), {"spoofed": spoofed}

    def generator_loss(self, batch, fake):
        mge = ops.mean(of_frames(ops.sum(ops.square(fake["real"] - fake["made"]), axis=-1), fake["mask"]))
        if self.phase != "adversarial":
            return mge
        adversarial = ops.mean(of_frames(ops.softplus(-self.discriminator(fake["made"])[..., 0]), fake["mask"]))
        ratio = ops.minimum(self.expected[0] / ops.maximum(self.expected[1], 1e-8), 1e3)
        return mge + self.adversarial_weight * ratio * adversarial, {"mge": mge, "adversarial": adversarial}

    def build_networks(self):
        told = keras.Input((self.frames, self.words + self.speakers + speech.PLACES), name="linguistic")
        frame = keras.Input((self.frames, self.order), name="cepstra")
        logit = speech.mlp(frame, 2, self.discriminator_units, 1)
        return {
            "generator": keras.Model(told, speech.mlp(told, 3, self.units, 3 * self.order), name="generator"),
            "discriminator": keras.Model(frame, logit, name="discriminator"),
            "standard": keras.Model(frame, Standardizer(name="standard")(frame), name="standard"),
        }
