import numpy as np
from families import contracts

from tfgan_zoo.families.wgan import WGAN


def test_the_critics_weights_are_within_the_clip_and_the_generators_are_not():
    model = WGAN((8, 8, 1), latent_dim=4, filters=4, discriminator_steps=2)
    model.compile()
    assert max(np.abs(w).max() for w in contracts.values_of(model)["discriminator"]) > 0.01
    logs = contracts.take_steps(model, contracts.batch_for(model))
    assert all(np.abs(w).max() <= np.float32(0.01) for w in contracts.values_of(model)["discriminator"])
    assert max(np.abs(w).max() for w in contracts.values_of(model)["generator"]) > 0.01
    assert logs["wasserstein"] == [-logs["d_loss"][0]]
