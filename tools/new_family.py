"""Start a new family: writes its module, a preset and a test.

    python tools/new_family.py lsgan --title "Least squares GAN" --paper https://arxiv.org/abs/1611.04076

The skeleton trains from the first minute (`python -m tfgan_zoo train <name>_glyphs --smoke`) and is under every
contract test of tests/families/test_contracts.py at once, since families and presets are found by file name.
"""

import re
from datetime import date
from pathlib import Path

import click

from tfgan_zoo.console import note

ROOT = Path(__file__).resolve().parents[1]
LONGEST_TITLE = 100  # the first line of a file whose lines have at most 120 characters

FAMILY = '''"""{title}.

AUTHORS {year}: TITLE OF THE PAPER.
{paper}
"""

from math import prod

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.modalities import Image
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import ImageShape, Positive


class {model}(AdversarialModel):
    """What is new in this family, in one or two lines.

    Args:
        image_shape: (height, width, channels) of the images, float [-1, 1].
        latent_dim: length of z, drawn from N(0, I).
        filters: width of the hidden layers.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)

    def __init__(
        self, image_shape: ImageShape = (28, 28, 1), latent_dim: Positive = 100, filters: Positive = 64, **kwargs
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.assemble()

    @property
    def element_spec(self):
        return {{"image": Image(self.image_shape)}}

    def latents(self, count):
        return {{"z": self.noise.normal((count, self.latent_dim))}}

    def discriminator_loss(self, batch, fake):
        real_logits = self.feed(self.discriminator, batch)
        fake_logits = self.feed(self.discriminator, {{"image": fake}})
        return losses.minimax_discriminator(real_logits, fake_logits)

    def generator_loss(self, batch, fake):
        return losses.non_saturating_generator(self.feed(self.discriminator, {{"image": fake}}))

    # What it can be asked beside `generate` (an encoder, a translation) is told in `endpoints`; see bigan.py.

    def build_networks(self):
        return {{
            "generator": generator(self.image_shape, self.latent_dim, self.filters),
            "discriminator": discriminator(self.image_shape, self.filters),
        }}


def generator(image_shape, latent_dim, filters):
    """z (latent_dim,) -> image in [-1, 1]."""
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(filters, "relu")(z)
    x = layers.Dense(prod(image_shape))(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(z, layers.Reshape(image_shape, dtype="float32", name="image")(x), name="generator")


def discriminator(image_shape, filters):
    """Image -> logit (1,)."""
    image = keras.Input(image_shape, name="image")
    x = layers.Dense(filters)(layers.Flatten()(image))
    x = layers.LeakyReLU(0.2)(x)
    return keras.Model(image, layers.Dense(1, dtype="float32", name="logit")(x), name="discriminator")
'''

PRESET = """# {title} on rendered letters and digits (embedded, no download). AUTHORS {year}, {paper}
family = "{name}"
[model]
image_shape = [28, 28, 1]
[data]
source = "synthetic"
name = "glyphs"
batch_size = 64
[train]
steps = 10_000
[evaluate]
metrics = ["fd_mnist"]
[smoke]
model = {{ image_shape = [8, 8, 1], latent_dim = 4, filters = 4 }}
"""

TEST = '''"""What only {model} should be able to do. The contracts that all families share are in test_contracts.py."""

import numpy as np

from tfgan_zoo.families.{name} import {model}


def test_images_end_at_the_edge_of_their_range():
    model = {model}((8, 8, 1), latent_dim=4, filters=4)
    for weight in model.generator.weights:
        weight.assign(weight * 100)
    assert 0.99 < np.abs(model(model.latents(4))).max() <= 1
'''


def class_name(name: str) -> str:
    """`wgan_gp` -> `WGANGP`, `cyclegan` -> `CycleGAN`-like names are the author's to polish."""
    return "".join(part.upper() if "gan" in part or len(part) <= 3 else part.capitalize() for part in name.split("_"))


def year_of(paper: str) -> int:
    """The year of an arXiv address, whose number begins with it; else this year, for the author to correct."""
    number = re.search(r"arxiv\.org/\w+/(\d\d)\d\d\.", paper)
    return 2000 + int(number[1]) if number and number[1] != "00" else date.today().year


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.option("--title", help="The family's full name.")
@click.option("--paper", default="https://arxiv.org/abs/0000.00000", help="The paper's address.", metavar="URL")
@click.option("--root", default=ROOT, type=click.Path(path_type=Path), help="The checkout. Default: this one.")
def main(name, title, paper, root):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise click.BadParameter(f"{name!r}: write the paper's own name in snake case, such as wgan_gp.")
    title = (title or class_name(name)).strip().rstrip(".")
    if len(title) > LONGEST_TITLE or re.search(r'[\n"\\]', title):
        raise click.BadParameter(f"{title!r}: a title is one line of at most {LONGEST_TITLE} letters, without quotes.")
    if not re.fullmatch(r"https://\S+", paper):
        raise click.BadParameter(f"{paper!r}: give the paper's address, such as https://arxiv.org/abs/1611.04076.")
    words = {"name": name, "title": title, "paper": paper, "year": year_of(paper), "model": class_name(name)}
    places = {
        root / "tfgan_zoo" / "families" / f"{name}.py": FAMILY,
        root / "zoo_configs" / f"{name}_glyphs.toml": PRESET,
        root / "tests" / "families" / f"test_{name}.py": TEST,
    }
    for path in places:
        if not path.parent.is_dir():
            raise click.UsageError(f"{path.parent} is no folder; nothing was written. --root must be a checkout.")
        if path.exists():
            raise click.UsageError(f"{path} exists; nothing was written. Choose another name.")
    for path, text in places.items():
        path.write_text(text.format(**words), encoding="utf-8")
        note(str(path))
    note(f"now: python -m tfgan_zoo train {name}_glyphs --smoke && python -m pytest tests/families -k {name}")


if __name__ == "__main__":
    main()
