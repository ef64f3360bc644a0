"""Games around a classifier: `Attacked`, whose first phase teaches one that stays as it is from then on."""

from functools import partial

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.networks import targets
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, ImageShape, Positive

TEACH = Phase("teach", 4_690)  # ten passes over MNIST with batches of 128


class Attacked(AdversarialModel):
    """A classifier of pictures is taught, then others play to make it fail, or to keep it from failing.

    A family puts `taught` first among its players and `TEACH` among its phases, and `self.target_network(image)` first
    among its networks: families then have the same classifier for the same settings and seed.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 16 or more, see `networks.targets`.
        num_classes: how many classes there are; the data say it where it is left out.
        target: the architecture of the classifier, "A", "B" or "C" of Xiao et al. 2018.
        target_filters: its channels, as `networks.targets` counts them.
        dropout: the share of its last hidden layer that is left out while it learns.
        kwargs: as `AdversarialModel`.
    """

    ema_networks = ()
    from_data = ("num_classes",)
    taught = Player("classifier", optimizer=partial(keras.optimizers.Adam, 1e-3), phases=("teach",))

    def __init__(
        self,
        *,
        image_shape: ImageShape = (28, 28, 1),
        num_classes: Positive = 10,
        target: targets.Architecture = "A",
        target_filters: Positive = 64,
        dropout: Fraction = 0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.target = target
        self.target_filters = target_filters
        self.dropout = dropout

    def latents(self, count):
        """None: these games draw no noise."""
        return {}

    def target_network(self, architecture: targets.Architecture, name: str) -> keras.Model:
        """A classifier that has learnt nothing yet: pictures (n, *image_shape) -> logits (n, num_classes)."""
        image = keras.Input(self.image_shape, name="image")
        logits = targets.classifier(image, architecture, self.num_classes, self.target_filters, self.dropout)
        return keras.Model(image, logits, name=name)

    def says(self, image):
        """The classifier's logits (n, num_classes), in inference mode: with dropout attacks would look better."""
        return self.classifier(image, training=False)

    def classifier_loss(self, batch, fake):
        """Cross-entropy, with the share of the batch that is called right."""
        logits = self.feed(self.classifier, batch)
        return losses.cross_entropy(logits, batch["label"]), {"accuracy": called(logits, batch["label"])}


def called(logits, labels):
    """The share of rows whose largest logit is at their label, float32 ()."""
    return ops.mean(ops.cast(ops.cast(ops.argmax(logits, -1), labels.dtype) == labels, "float32"))
