"""Differentiable augmentation: both players see the same random changes, so that few images suffice.

`augment` changes real and generated images before the discriminator sees them; gradients pass through to the
generator, which therefore does not learn the changes. Zhao et al. 2020, https://arxiv.org/abs/2006.10738 (DiffAugment).

`AdaptiveAugmentation` changes each image with a probability that grows while the discriminator overfits. Karras et al.
2020, https://arxiv.org/abs/2006.06676 (ADA).

Every draw comes from the model's noise stream: it differs between replicas and is the same after a resume.
"""

from collections.abc import Iterable

import keras
import tensorflow as tf

from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.noise import NoiseStream


def brightness(images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
    """Add U(-0.5, 0.5) to all pixels of an image."""
    return images + per_image(images, noise, -0.5, 0.5)


def saturation(images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
    """Scale each pixel's distance from its grey by U(0, 2); grey images stay what they are."""
    return scaled(images, tf.reduce_mean(images, axis=-1, keepdims=True), per_image(images, noise, 0.0, 2.0))


def contrast(images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
    """Scale the distance from the image's mean by U(0.5, 1.5)."""
    return scaled(images, tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True), per_image(images, noise, 0.5, 1.5))


def translation(images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
    """Shift by up to an eighth of each side, whole pixels; what comes in is 0, mid-grey."""
    for axis in (1, 2):
        side = tf.shape(images)[axis]
        reach = (side + 4) // 8
        shift = noise.integers((tf.shape(images)[0], 1), 2 * reach + 1) - reach
        places = tf.range(side) + shift
        inside = tf.reshape((places >= 0) & (places < side), (-1, *[side if a == axis else 1 for a in (1, 2)], 1))
        moved = tf.gather(images, tf.clip_by_value(places, 0, side - 1), axis=axis, batch_dims=1)
        images = tf.where(inside, moved, tf.zeros((), images.dtype))
    return images


def cutout(images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
    """Put 0, mid-grey, on a rectangle of half the sides, centred anywhere in the image."""
    covered = True
    for axis in (1, 2):
        side = tf.shape(images)[axis]
        length = (side + 1) // 2
        start = noise.integers((tf.shape(images)[0], 1), side + 1 - length % 2) - length // 2
        steps = tf.range(side) - start
        line = (steps >= 0) & (steps < length)
        covered &= tf.reshape(line, (-1, *[side if a == axis else 1 for a in (1, 2)], 1))
    return tf.where(covered, tf.zeros((), images.dtype), images)


TRANSFORMS = {"color": (brightness, saturation, contrast), "translation": (translation,), "cutout": (cutout,)}


def augment(
    images: tf.Tensor,
    noise: NoiseStream,
    policy: str | Iterable[str] = "color,translation,cutout",
    probability: float | tf.Tensor = 1.0,
) -> tf.Tensor:
    """Images changed at random, differentiable, of the same shape and dtype.

    Args:
        images: float (batch, height, width, channels) in [-1, 1]; the result may leave that range.
        noise: draws the changes.
        policy: names from `TRANSFORMS` in the order of their use, in a list or one string with commas; "" for none.
        probability: with which each transform of each image is made, a number or a scalar.
    """
    if len(images.shape) != 4:
        raise ZooError(f"augment takes images (batch, height, width, channels), got shape {tuple(images.shape)}.")
    for name in names_of(policy):
        for transform in TRANSFORMS[name]:
            changed = transform(images, noise)
            if tf.is_tensor(probability) or probability < 1:
                chosen = noise.uniform((tf.shape(images)[0], 1, 1, 1)) < probability
                changed = tf.where(chosen, changed, images)
            images = changed
    return images


def names_of(policy: str | Iterable[str]) -> tuple[str, ...]:
    """The names in a policy, each checked."""
    names = policy.split(",") if isinstance(policy, str) else policy
    names = tuple(name.strip() for name in names if name.strip())
    for name in names:
        if name not in TRANSFORMS:
            raise unknown("augmentation", name, TRANSFORMS)
    return names


@keras.saving.register_keras_serializable("tfgan_zoo")
class AdaptiveAugmentation(keras.layers.Layer):
    """`augment` with a probability p that follows the discriminator's overfitting.

    Overfitting is r = E[sign(D(x))] over real, augmented x: 0 where D knows nothing, 1 where it is sure of every real
    image. Every `interval` steps p grows where r is above `target` and falls where it is below, at most from 0 to 1 in
    `images` images. p and what it is decided from are weights: they are in checkpoints, and equal on all replicas.

    Args:
        policy: as in `augment`.
        target: of r.
        interval: steps between changes of p.
        images: how many real images p takes from 0 to 1 at the quickest.
        probability: the first p.
    """

    def __init__(
        self,
        policy: str | Iterable[str] = "color,translation,cutout",
        target: float = 0.6,
        interval: int = 4,
        images: int = 500_000,
        probability: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.policy = names_of(policy)
        self.target = target
        self.interval = interval
        self.images = images
        self.probability = probability
        self.p = self.state("p", probability)
        self.signs = self.state("signs")  # sum over the steps since p last changed
        self.steps = self.state("steps")
        self.built = True

    def state(self, name, value=0.0):
        """A scalar weight that is averaged over the replicas when it is assigned."""
        return self.add_weight(
            name=name,
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(value),
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def augment(self, images: tf.Tensor, noise: NoiseStream) -> tf.Tensor:
        """`augment` with the present probability."""
        return augment(images, noise, self.policy, tf.convert_to_tensor(self.p))

    def observe(self, real_logits: tf.Tensor) -> dict[str, tf.Tensor]:
        """Take note of D's outputs for real, augmented images, once a step, and move p where it is time.

        Returns:
            The terms to log: {"augment_p": p, "augment_r": this step's r on this replica}.
        """
        r = tf.reduce_mean(tf.sign(tf.cast(real_logits, tf.float32)))
        batch = tf.shape(real_logits)[0] * tf.distribute.get_strategy().num_replicas_in_sync
        signs, steps = self.signs.value + r, self.steps.value + 1.0
        due = tf.cast(steps >= self.interval, tf.float32)
        self.signs.assign(signs)  # averaged over the replicas: all move p alike
        move = tf.sign(self.signs.value / steps - self.target) * tf.cast(batch, tf.float32) * steps / self.images
        self.p.assign(tf.maximum(self.p.value + due * move, 0.0))
        self.signs.assign(self.signs.value * (1.0 - due))
        self.steps.assign(steps * (1.0 - due))
        return {"augment_p": self.p.value, "augment_r": r}

    def get_config(self):
        own = ("policy", "target", "interval", "images", "probability")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def per_image(images, noise, low, high):
    """One number from U(`low`, `high`) for each image: (batch, 1, 1, 1), in the images' dtype."""
    return tf.cast(noise.uniform((tf.shape(images)[0], 1, 1, 1), low, high), images.dtype)


def scaled(images, middle, scale):
    """The images with their distance from `middle` times `scale`."""
    return middle + (images - middle) * scale
