"""ADDA: a classifier of one domain learns to classify another one, of which no labels are known.

Tzeng, Hoffman, Saenko, Darrell 2017: Adversarial Discriminative Domain Adaptation. https://arxiv.org/abs/1702.05464
Networks and hyperparameters: the authors' code for digits.
"""

from typing import Literal

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import ImageShape, Positive, Weight


class ADDA(AdversarialModel):
    """A network learns to classify x. Then a copy of its encoder learns to make of y what the first one makes of x.

    In its first phase, `source`, it is taught x and their labels. As the second, `adapt`, begins, the encoder of y
    becomes a copy of that of x, which stays as it is from then on; a discriminator tells the codes of x and y apart.

    Args:
        image_shape: (height, width, channels) of both x and y, float [-1, 1]; sides of 16 or more.
        num_classes: how many classes there are; the data say it where it is left out.
        adversary: what the encoders make and the discriminator sees: "features" of the last hidden layer, which the
            classifier of x reads for y too, as in the paper; or "logits", the last layer adapted as well, as in the
            authors' code.
        filters: channels of LeNet's first convolution; the second has 5/2 times as many, the hidden layer 25 times.
        units: width of the discriminator's two hidden layers.
        weight_decay: added to the gradient of the first phase as `weight_decay` times the weight.
    """

    ema_networks = ()
    from_data = ("num_classes",)
    phases = (Phase("source", 10_000), Phase("adapt", 10_000))

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        num_classes: Positive = 10,
        adversary: Literal["features", "logits"] = "features",
        filters: Positive = 20,
        units: Positive = 500,
        weight_decay: Weight = 2.5e-5,
        **kwargs,
    ):
        super().__init__(**{"updates": "simultaneous", **kwargs})  # as in the authors' code
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.adversary = adversary
        self.filters = filters
        self.units = units
        self.weight_decay = weight_decay
        self.head = ("classifier",) if adversary == "features" else ()  # logits are the encoder's own
        self.players = (
            Player("classifier", ("encoder_x", *self.head), optimizer=keras.optimizers.Adam, phases=("source",)),
            Player("discriminator", optimizer=adam, phases=("adapt",)),
            Player("encoder", ("encoder_y",), optimizer=adam, phases=("adapt",)),
        )
        self.assemble()

    @property
    def element_spec(self):
        """The labels are those of x."""
        return {"x": Image(self.image_shape), "y": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    @property
    def endpoints(self):
        y, label = {"y": Image(self.image_shape)}, ClassLabel(self.num_classes)
        return {
            "classify": Endpoint(y, label, ("encoder_y", *self.head)),
            "classify_source_only": Endpoint(y, label, ("encoder_x", *self.head)),
        }

    def classify(self, inputs):
        """Endpoint: the class of y."""
        return self.logits(self.encoder_y(inputs["y"], training=False))

    def classify_source_only(self, inputs):
        """Endpoint: the class of y as the network of x sees it, the paper's "source only"."""
        return self.logits(self.encoder_x(inputs["y"], training=False))

    def logits(self, codes):
        return self.classifier(codes) if self.head else codes

    def latents(self, count):
        return {}

    def begin(self, phase):
        if phase == "adapt":
            self.encoder_y.set_weights(self.encoder_x.get_weights())

    def fake(self, batch):
        """The codes of y; none while x are learnt."""
        return self.encoder_y(batch["y"]) if self.phase == "adapt" else None

    def classifier_loss(self, batch, fake):
        logits = self.logits(self.encoder_x(batch["x"]))
        right = ops.mean(ops.cast(ops.argmax(logits, -1) == batch["label"], "float32"))
        return losses.cross_entropy(logits, batch["label"]) + self.decay(), {"accuracy": right}

    def decay(self):
        weights = [weight for weight in self.variables_of(self.players[0]) if len(weight.shape) > 1]
        return self.weight_decay / 2 * sum(ops.sum(ops.square(ops.cast(weight, "float32"))) for weight in weights)

    def discriminator_loss(self, batch, fake):
        x, y = self.discriminator(self.encoder_x(batch["x"])), self.discriminator(fake)
        told = ops.mean(ops.cast(ops.concatenate([x > 0, y < 0]), "float32"))  # 1/2 where they look alike
        return (losses.called_real(x) + losses.called_fake(y)) / 2, {"told_apart": told}

    def encoder_loss(self, batch, fake):
        return losses.called_real(self.discriminator(fake)) / 2  # the authors' mean is over x, too, which adds nothing

    def build_networks(self):
        if min(self.image_shape[:2]) < 16:
            raise ZooError(f"image_shape={list(self.image_shape)}: LeNet takes sides of 16 or more.")
        x, y = (keras.Input(self.image_shape, name=name) for name in "xy")
        code_x, code_y = (lenet(picture, self.filters, self.num_classes, self.head) for picture in (x, y))
        code = keras.Input(code_x.shape[1:], name="code")
        made = {"encoder_x": (x, code_x), "encoder_y": (y, code_y), "discriminator": (code, mlp(code, self.units))}
        if self.head:
            made["classifier"] = code, as_float32(layers.Dense(self.num_classes)(code))
        return {name: keras.Model(taken, answer, name=name) for name, (taken, answer) in made.items()}


def lenet(x, filters, num_classes, head):
    """Caffe's LeNet: up to its hidden layer where the rest is a network of its own, `head`, else up to the logits."""
    x = layers.Rescaling(0.5, 0.5)(x)  # the authors' pixels lie in [0, 1]
    for width in (filters, filters * 5 // 2):
        x = layers.MaxPooling2D()(layers.Conv2D(width, 5, activation="relu")(x))
    x = layers.Dense(25 * filters, "relu")(layers.Flatten()(x))
    return as_float32(x if head else layers.Dense(num_classes)(x))


def mlp(x, units):
    """Two hidden layers of rectifiers, one logit; the authors have a softmax of two."""
    for _ in range(2):
        x = layers.Dense(units, "relu")(x)
    return as_float32(layers.Dense(1)(x))
