"""APE-GAN: a generator that takes attacks out of pictures before a classifier sees them.

Shen, Jin, Gao, Zhang 2017: APE-GAN: Adversarial Perturbation Elimination with GAN. https://arxiv.org/abs/1707.05474
What the paper leaves open: the authors' code.

With pictures x, attacked ones x' and the output D of a sigmoid:
    D minimizes -E log D(x) - E log(1 - D(G(x')))
    G minimizes xi_1 E mean of (x - G(x'))^2 - xi_2 E log D(G(x'))
"""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.attacked import TEACH, Attacked
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks import attacks
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

Conv = partial(layers.Conv2D, kernel_size=4, strides=2, padding="same", use_bias=False)
Deconv = partial(layers.Conv2DTranspose, kernel_size=4, strides=2, padding="same")


class APEGAN(Attacked):
    """A classifier is taught; then, while it stays as it is, a generator learns to undo attacks on it by one step.

    It is no defence against who knows of it: an attack through generator and classifier together succeeds again
    (Carlini, Wagner 2017, https://arxiv.org/abs/1711.08478). `tools/figures/attacks.py` measures both.

    Args:
        epsilon: the largest change of a pixel in the attack that is learnt from, FGSM, as a share of its range.
        content_weight: xi_1, with pixels in [-1, 1] as the authors' code has them.
        adversarial_weight: xi_2; both are the paper's. The authors' code has 0.9 of the root of the mean, and 0.02.
        filters: channels of the first maps of generator and discriminator.
        kwargs: as `Attacked`; sides are multiples of 4.
    """

    players = Attacked.taught, Player("discriminator", phases=("purify",)), Player("generator", phases=("purify",))
    phases = TEACH, Phase("purify", 1_876)  # two passes over MNIST with batches of 64

    def __init__(
        self,
        epsilon: Weight = 0.3,
        content_weight: Weight = 0.7,
        adversarial_weight: Weight = 0.3,
        filters: Positive = 64,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.content_weight = content_weight
        self.adversarial_weight = adversarial_weight
        self.filters = filters
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    @property
    def endpoints(self):
        taken, label = {"image": Image(self.image_shape)}, ClassLabel(self.num_classes)
        return {
            "purify": Endpoint(taken, taken["image"], ("generator",), target="image"),
            "classify": Endpoint(taken, label, ("classifier",)),
            "classify_purified": Endpoint(taken, label, ("classifier", "generator")),
        }

    def purify(self, inputs):
        """Endpoint: a picture, attacked or not -> one without the attack."""
        return self.feed(self.generator, inputs, training=False)

    def classify(self, inputs):
        """Endpoint: what the classifier says of the picture as it is."""
        return self.says(inputs["image"])

    def classify_purified(self, inputs):
        """Endpoint: what the classifier says of the purified picture."""
        return self.says(self.purify(inputs))

    def fake(self, batch):
        """G(x'); nothing while the classifier learns."""
        if self.phase != "purify":
            return None
        attacked = attacks.fgsm(self.says, batch["image"], batch["label"], self.epsilon)
        return self.feed(self.generator, {"image": attacked})

    def discriminator_loss(self, batch, fake):
        real, made = self.feed(self.discriminator, batch), self.feed(self.discriminator, {"image": fake})
        return losses.minimax_discriminator(real, made)

    def generator_loss(self, batch, fake):
        content = self.content_weight * ops.mean(ops.square(batch["image"] - fake))
        judged = self.feed(self.discriminator, {"image": fake})
        deceive = self.adversarial_weight * losses.non_saturating_generator(judged)
        return content + deceive, {"content": content, "deceive": deceive}

    def build_networks(self):
        if self.image_shape[0] % 4 or self.image_shape[1] % 4:
            raise ZooError(f"image_shape={list(self.image_shape)}: the sides must be multiples of 4, such as 28 or 32.")
        image = keras.Input(self.image_shape, name="image")
        return {
            "classifier": self.target_network(self.target, "classifier"),
            "discriminator": keras.Model(image, judged(image, self.filters), name="discriminator"),
            "generator": keras.Model(image, purified(image, self.filters), name="generator"),
        }


def purified(x, filters):
    """Picture -> picture in [-1, 1]: halved twice, doubled twice."""
    channels = x.shape[-1]
    x = halved(halved(x, filters), 2 * filters)
    x = layers.ReLU()(batch_norm()(Deconv(filters, use_bias=False)(x)))
    return layers.Activation("tanh", dtype="float32")(Deconv(channels)(x))


def judged(x, filters):
    """Picture -> logit, float32 (n, 1)."""
    for level in range(3):
        x = halved(x, filters << level, norm=level > 0)
    return layers.Dense(1, dtype="float32")(layers.Flatten()(x))


def halved(x, filters, norm=True):
    """A convolution to half the sides."""
    x = Conv(filters)(x)
    return layers.LeakyReLU(0.2)(batch_norm()(x) if norm else x)
