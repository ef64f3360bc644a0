"""Small models that tests ask: of pictures, of points, of classes, and one whose endpoints take data. A full disk."""

import contextlib
import resource

import keras
import numpy as np
from keras import layers

from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.gan import GAN
from tfgan_zoo.families.wgan_gp import WGANGP
from tfgan_zoo.modalities import ClassLabel, Image, Points

CLASSES = 5


class Labelled(AdversarialModel):
    """Pictures or points of classes: the generator takes an integer label."""

    def __init__(self, image_shape=(8, 8, 1), latent_dim=8, num_classes=CLASSES, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.latent_dim, self.num_classes = tuple(image_shape), latent_dim, num_classes
        self.assemble()

    @property
    def element_spec(self):
        made = {"image": Image(self.image_shape)} if len(self.image_shape) == 3 else {"point": Points(self.image_shape)}
        return made | {"label": ClassLabel(self.num_classes)}

    def build_networks(self):
        z, label = keras.Input((self.latent_dim,), name="z"), keras.Input((), dtype="int32", name="label")
        x = layers.Concatenate()([z, layers.Embedding(self.num_classes, 4)(label)])
        made = layers.Reshape(self.image_shape)(layers.Dense(int(np.prod(self.image_shape)), "tanh")(x))
        score = layers.Dense(1)(layers.Flatten()(real := keras.Input(self.image_shape, name="real")))
        return {"generator": keras.Model([z, label], made), "discriminator": keras.Model(real, score)}


class Encoding(AdversarialModel):
    """Pictures from noise, and four questions: `encode`, `reconstruct`, `classify` a picture, `paint` a code."""

    def __init__(self, latent_dim=4, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image((8, 8, 1))}

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input((8, 8, 1), name="image")
        made = layers.Reshape((8, 8, 1))(layers.Dense(64, "tanh")(z))
        return {
            "generator": keras.Model(z, made),
            "discriminator": keras.Model(image, layers.Dense(1)(layers.Flatten()(image))),
            "encoder": keras.Model(image, layers.Dense(self.latent_dim)(layers.Flatten()(image))),
            "classifier": keras.Model(image, layers.Dense(CLASSES)(layers.Flatten()(image))),
        }

    @property
    def endpoints(self):
        image, taken = Image((8, 8, 1)), {"image": Image((8, 8, 1))}
        return super().endpoints | {
            "encode": Endpoint(taken, Points((self.latent_dim,)), ("encoder",)),
            "reconstruct": Endpoint(taken, image, ("encoder", "generator"), target="image"),
            "classify": Endpoint(taken, ClassLabel(CLASSES), ("classifier",)),
            "paint": Endpoint({"code": Points((self.latent_dim,))}, image, ("generator",)),
        }

    def encode(self, inputs):
        """Endpoint: picture -> code."""
        return self.encoder(inputs["image"], training=False)

    def reconstruct(self, inputs):
        """Endpoint: picture -> what the generator makes of its code."""
        return self.best("generator")(self.encode(inputs), training=False)

    def classify(self, inputs):
        """Endpoint: picture -> logits."""
        return self.classifier(inputs["image"], training=False)

    def paint(self, inputs):
        """Endpoint: code -> picture."""
        return self.best("generator")(inputs["code"], training=False)


MODELS = {
    "dcgan": lambda: DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8),
    "dcgan_ema": lambda: DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8, ema_decay=0.9),
    "gan": lambda: GAN(image_shape=(8, 8, 3), latent_dim=8, hidden_units=16, maxout_units=4),
    "points": lambda: WGANGP(image_shape=(2,), architecture="mlp", latent_dim=8, filters=4),
    "labelled": Labelled,
    "labelled_points": lambda: Labelled(image_shape=(2,)),
    "encoding": Encoding,
}


def lively(model):
    """Weights so large that answers differ plainly, and other ones in the averaged twin."""
    random = np.random.default_rng(0)
    for network in {id(n): n for n in (model.generator, model.best("generator"))}.values():
        for variable in network.variables:
            if len(variable.shape) > 1:
                variable.assign(random.normal(0, 0.5, variable.shape))
    return model


def spoiled(model):
    """The weights of a training that diverged."""
    for weight in model.best("generator").weights:
        weight.assign(np.full(weight.shape, np.nan))
    return model


@contextlib.contextmanager
def full_disk(size=200):
    """No file may grow beyond `size` bytes: what the system says then is what it says of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
