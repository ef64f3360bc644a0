"""An attribute vector, where encoder and decoder are so simple that its effect is known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import config, images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image
from tools.figures import vae_gan

BRIGHT, DIM = 200, 50


class Brightness:
    """The code of a picture is its mean; a code's picture has that brightness everywhere."""

    element_spec = {"image": Image((8, 8, 3))}  # noqa: RUF012

    def sample(self, seeds, endpoint="generate", image=None, z=None):
        if endpoint == "encode":
            return tf.constant(image.mean((1, 2, 3), dtype=np.float32)[:, None])
        return tf.constant(np.broadcast_to(z.round()[:, :, None, None], (len(z), 8, 8, 3)).astype(np.uint8))


@pytest.fixture
def loaded(tmp_path):
    for split in ("train", "test"):
        (tmp_path / "data" / split).mkdir(parents=True)
        lines = []
        for place in range(12):
            bright = place % 2
            picture = np.full((8, 8, 3), BRIGHT if bright else DIM, np.uint8) + np.uint8(place)
            images.save_image(tmp_path / "data" / split / f"{place}.png", picture)
            lines.append({"file_name": f"{place}.png", "text": "A Lamp: " + ("bright" if bright else "not bright")})
        (tmp_path / "data" / split / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    preset = f'family = "vae_gan"\n[data]\nsource = "folder"\npath = "{tmp_path}/data"\n'
    (tmp_path / "lamps.toml").write_text(preset)
    return SimpleNamespace(model=Brightness(), experiment=config.load(str(tmp_path / "lamps.toml")))


def test_the_vector_leads_from_one_kind_to_the_other(loaded):
    shares, (pictures, again, changed) = vae_gan.added(loaded, "lamp bright", "not bright", None)
    assert shares == {"real": 1.0, "real_without": 0.0, "again": 0.0, "added": 1.0}
    np.testing.assert_array_equal(pictures, again)
    assert len(pictures) == 6
    np.testing.assert_array_equal(changed, again + np.uint8(BRIGHT - DIM + 1))  # bright ones have odd places


def test_texts_that_nothing_fits_are_told(loaded):
    with pytest.raises(ZooError, match="no text of train fits 'dark'"):
        vae_gan.added(loaded, "dark", "bright", None)
