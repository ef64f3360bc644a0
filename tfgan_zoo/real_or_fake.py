"""The plain game, real against made up: `RealOrFake`, whose loss, penalties and augmentation are chosen by name."""

from functools import partial

import tensorflow as tf

from tfgan_zoo import penalties as all_penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.augment import AdaptiveAugmentation, augment, names_of
from tfgan_zoo.batches import Batch
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.losses import LOSSES
from tfgan_zoo.types import Fraction, Positive, Weight

PENALTIES = (*all_penalties.PENALTIES, "drift", "lecam")
ANCHOR_DECAY = 0.99  # of LeCam's moving averages


class RealOrFake(AdversarialModel):
    """A generator against a discriminator that scores one datum, with its conditions where it has some.

    A family declares its data and networks; it overrides `judge` where scores are not simply what the discriminator
    answers.

    Args:
        loss: what both players minimize, a name in `losses.LOSSES`.
        penalties: {name in `penalties.PENALTIES`, "drift" or "lecam": its weight}, added to the discriminator's loss.
        penalty_every: the penalties on gradients are taken at every n-th step, n times as strong (lazily, as in
            StyleGAN2). Loss and penalty share one optimizer step, so the optimizer's rates need no correction.
        augment: names in `augment.TRANSFORMS` with commas; the discriminator sees all pictures changed so. "" for none.
        augment_target: of E[sign D(x)]: the probability of the changes follows it (ADA); 0: all are
            made (DiffAugment).
        kwargs: as `AdversarialModel`.
    """

    def __init__(
        self,
        *,
        loss: str = "non_saturating",
        penalties: dict[str, Weight] | None = None,
        penalty_every: Positive = 1,
        augment: str = "",
        augment_target: Fraction = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if loss not in LOSSES:
            raise unknown("loss", loss, LOSSES)
        for name in penalties or {}:
            if name not in PENALTIES:
                raise unknown("penalty", name, PENALTIES)
        changes = names_of(augment)
        if augment_target and not changes:
            raise ZooError(
                f"augment_target={augment_target}: name the changes too, augment='color,translation,cutout'."
            )
        self.loss = loss
        self.penalties = dict(penalties or {})
        self.penalty_every = penalty_every
        self.augment = augment
        self.augment_target = augment_target

    def assemble(self):
        super().assemble()
        self.judged_key = self.endpoints["generate"].target
        self.augmentation = AdaptiveAugmentation(self.augment, self.augment_target) if self.augment_target else None
        if "lecam" in self.penalties:
            scalar = partial(self.add_weight, shape=(), initializer="zeros", trainable=False, aggregation="mean")
            self.real_anchor, self.fake_anchor = scalar(name="real_anchor"), scalar(name="fake_anchor")

    def judge(self, batch: Batch) -> tf.Tensor:
        """The discriminator's scores of data with their conditions, float32 (n, ...)."""
        return self.feed(self.discriminator, batch)

    def discriminator_loss(self, batch, fake):
        real_scores, fake_scores = self.scores(batch), self.scores(batch | {self.judged_key: fake})
        loss, terms = LOSSES[self.loss].discriminator(real_scores, fake_scores), {}
        for name, weight in self.penalties.items():
            if name == "drift":
                terms[name] = all_penalties.drift(real_scores)
            elif name == "lecam":
                terms[name] = self.lecam(real_scores, fake_scores)
            else:
                terms[name] = self.lazily(partial(self.penalty, name, batch, fake))
            loss += weight * terms[name]
        if self.augmentation and self.training:
            terms |= self.augmentation.observe(real_scores)
        return loss, terms

    def generator_loss(self, batch, fake):
        loss = LOSSES[self.loss]
        real_scores = self.scores(batch) if loss.compares else None
        return loss.generator(real_scores, self.scores(batch | {self.judged_key: fake}))

    def scores(self, batch: Batch) -> tf.Tensor:
        """`judge` of the data as the discriminator is shown them."""
        return self.judge(batch | {self.judged_key: self.shown(batch[self.judged_key])})

    def shown(self, data: tf.Tensor) -> tf.Tensor:
        """Data with the augmentation's changes."""
        if self.augmentation:
            return self.augmentation.augment(data, self.noise)
        return augment(data, self.noise, self.augment) if self.augment else data

    def penalty(self, name: str, batch: Batch, fake: tf.Tensor) -> tf.Tensor:
        """A penalty on the gradients of the scores with respect to the data."""

        def judge(data):
            return self.scores(batch | {self.judged_key: data})

        return all_penalties.PENALTIES[name](judge, batch[self.judged_key], fake, self.noise)

    def lazily(self, penalty) -> tf.Tensor:
        """A penalty at every `penalty_every`-th step, as many times as strong; 0 at the others."""
        if self.penalty_every == 1:
            return penalty()
        due = tf.equal(self.step % self.penalty_every, 0)
        return tf.cond(due, lambda: penalty() * self.penalty_every, lambda: tf.zeros(()))

    def lecam(self, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
        """The penalty at the anchors so far, which then move towards this step's mean scores."""
        penalty = all_penalties.lecam(real_scores, fake_scores, self.real_anchor.value, self.fake_anchor.value)
        if self.training:
            for anchor, scores in ((self.real_anchor, real_scores), (self.fake_anchor, fake_scores)):
                anchor.assign(ANCHOR_DECAY * anchor.value + (1 - ANCHOR_DECAY) * tf.reduce_mean(scores))
        return penalty

    def compile(self, *args, **kwargs):
        """As `AdversarialModel.compile`; Keras has a `loss` of its own, None here, which is not to replace ours."""
        loss = self.loss
        super().compile(*args, **kwargs)
        self.loss = loss
