"""AdvGAN: a generator of small changes that make a classifier fail.

Xiao, Li, Zhu, He, Liu, Song 2018: Generating Adversarial Examples with Adversarial Networks.
https://arxiv.org/abs/1801.02610

With the attacked classifier f, which stays as it is, and x' = x + G(x):
    D minimizes E (D(x) - 1)^2 / 2 + E D(x')^2 / 2
    G minimizes E max(f_y(x') - max of the other f_i(x'), 0) + alpha E (D(x') - 1)^2 / 2 + beta E max(|G(x)| - c, 0)
Black box: a student minimizes H(b(x), f(x)) + H(b(x'), f(x')) with the answers b of the classifier, and is attacked.
"""

from functools import partial
from typing import Literal

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.attacked import TEACH, Attacked, called
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.layers import instance_norm
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks import attacks
from tfgan_zoo.networks.targets import Architecture
from tfgan_zoo.networks.translators import resnet
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

adam = partial(keras.optimizers.Adam, 1e-3)


class AdvGAN(Attacked):
    """A classifier is taught; then, while it stays as it is, a generator learns to change pictures so that it fails.

    While it learns, the generator has the gradients of the classifier ("white"), later nothing of it. Or it has answers
    alone: a student learns to answer as the classifier does, and the generator attacks the student. With "static" the
    student learns from real pictures, before the attack; with "dynamic" also from changed ones, during the attack.

    Args:
        knowledge: what the generator has of the classifier: "white", "static" or "dynamic".
        student: the student's architecture, "A", "B" or "C"; "white" has none.
        epsilon: the largest change of a pixel, as a share of its range.
        gan_weight: alpha. The paper leaves alpha, beta and c open.
        hinge_weight: beta, of a change's length above `bound`.
        bound: c, a length over all pixels, which have a range of 1.
        filters: channels of the first maps of generator and discriminator.
        kwargs: as `Attacked`.
    """

    def __init__(
        self,
        knowledge: Literal["white", "static", "dynamic"] = "white",
        student: Architecture = "C",
        epsilon: Weight = 0.3,
        gan_weight: Weight = 0.1,
        hinge_weight: Weight = 0.01,
        bound: Weight = 0.1,
        filters: Positive = 8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.knowledge = knowledge
        self.student = student
        self.epsilon = epsilon
        self.gan_weight = gan_weight
        self.hinge_weight = hinge_weight
        self.bound = bound
        self.filters = filters
        attack = [Player(name, optimizer=adam, phases=("attack",)) for name in ("discriminator", "generator")]
        self.players, self.phases = (self.taught, *attack), (TEACH, Phase("attack", 28_140))  # 60 passes over MNIST
        if knowledge != "white":
            distilled = ("distill", "attack") if knowledge == "dynamic" else ("distill",)
            self.players = *self.players, Player("imitator", optimizer=adam, phases=distilled)
            self.phases = TEACH, Phase("distill", TEACH.steps), self.phases[1]
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    @property
    def endpoints(self):
        taken, label = {"image": Image(self.image_shape)}, ClassLabel(self.num_classes)
        return {
            "perturb": Endpoint(taken, taken["image"], ("generator",), target="image"),
            "classify": Endpoint(taken, label, ("classifier",)),
            "classify_perturbed": Endpoint(taken, label, ("classifier", "generator")),
        }

    def perturb(self, inputs):
        """Endpoint: a picture -> one that looks alike, of which the classifier is to say something else."""
        return self.changed(inputs["image"], self.generator(inputs["image"], training=False))

    def classify(self, inputs):
        """Endpoint: what the classifier says."""
        return self.says(inputs["image"])

    def classify_perturbed(self, inputs):
        """Endpoint: what the classifier says of the changed picture."""
        return self.says(self.perturb(inputs))

    def changed(self, image, change):
        """x + G(x): no pixel changes by more than epsilon (the experiments' bound), none leaves its range."""
        return attacks.bounded(image, image + 2 * self.epsilon * change, self.epsilon)

    def fake(self, batch):
        """G(x), from -1 to 1, and x'; nothing before the attack."""
        if self.phase != "attack":
            return None
        change = self.feed(self.generator, batch)
        return {"change": change, "image": self.changed(batch["image"], change)}

    def imitator_loss(self, batch, fake):
        seen = [batch["image"]] + ([ops.stop_gradient(fake["image"])] if fake else [])
        answers = [(ops.softmax(self.says(image)), self.imitator(image)) for image in seen]
        return sum(ops.mean(ops.categorical_crossentropy(*pair, from_logits=True)) for pair in answers)

    def discriminator_loss(self, batch, fake):
        real, made = self.feed(self.discriminator, batch), self.feed(self.discriminator, fake)
        return (losses.least_squares(real, 1) + losses.least_squares(made, 0)) / 2

    def generator_loss(self, batch, fake):
        black_box = self.knowledge != "white"
        logits = self.imitator(fake["image"], training=False) if black_box else self.says(fake["image"])
        attack = ops.mean(attacks.margin(logits, batch["label"]))
        deceive = self.gan_weight * losses.least_squares(self.feed(self.discriminator, fake), 1) / 2
        squares = ops.sum(ops.square(self.epsilon * fake["change"]), axis=(1, 2, 3))
        hinge = self.hinge_weight * ops.mean(ops.relu(ops.sqrt(squares + 1e-12) - self.bound))
        right = called(self.says(fake["image"]), batch["label"])  # by the classifier itself, also behind a student
        terms = {"attack": attack, "deceive": deceive, "hinge": hinge, "success": 1 - right}
        return attack + deceive + hinge, terms

    def build_networks(self):
        networks = {"classifier": self.target_network(self.target, "classifier")}
        if self.knowledge != "white":
            networks["imitator"] = self.target_network(self.student, "imitator")
        image = keras.Input(self.image_shape, name="image")
        change = resnet(image, self.image_shape[-1], self.filters, blocks=4, norm=instance_norm, ends=3)
        change = layers.Activation("tanh", dtype="float32")(change)  # the paper's ReLU could make pixels lighter alone
        networks["discriminator"] = keras.Model(image, judged(image, self.filters), name="discriminator")
        return networks | {"generator": keras.Model(image, change, name="generator")}


def judged(x, filters):
    """Three convolutions of 4x4 and stride 2, then one score, float32 (n, 1)."""
    for level in range(3):
        x = layers.Conv2D(filters << level, 4, 2, padding="same", use_bias=not level)(x)
        x = layers.LeakyReLU(0.2)(instance_norm()(x) if level else x)
    return layers.Dense(1, dtype="float32")(layers.Flatten()(x))
