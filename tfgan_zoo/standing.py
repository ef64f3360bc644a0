"""Standing statistics: batch normalization fitted to what a generator is asked to draw.

Brock et al. 2019, https://arxiv.org/abs/1809.11096, appendix C.
"""

import numpy as np
from keras import layers

from tfgan_zoo import sampling
from tfgan_zoo.adversarial import AdversarialModel

PASSES = 16
BATCH = 64


def standing_statistics(
    model: AdversarialModel,
    truncation: float | None = None,
    passes: int = PASSES,
    batch_size: int = BATCH,
    seed: int = 0,
) -> None:
    """Replace the moving statistics of the (averaged) generator by plain means over fresh batches.

    The moving ones come from training, at full noise: under truncation they do not fit. Call it once for each
    truncation, and again with None to go back.

    Args:
        model: changed in place; its other weights stay as they are.
        truncation: as in `model.sample`.
        passes, batch_size: how many batches of how many drawn examples are averaged.
        seed: of the noise and of conditions that are drawn.
    """
    network = model.best("generator")
    norms = [layer for layer in network._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    moving = {id(weight) for norm in norms for weight in (norm.moving_mean, norm.moving_variance)}
    others = [(weight, weight.numpy()) for weight in network.non_trainable_variables if id(weight) not in moving]
    settings = [(norm.momentum, norm.trainable) for norm in norms]
    for norm in norms:
        norm.trainable = True  # a frozen one, as in averaged twins, keeps its statistics
    try:
        for number in range(passes):
            for norm in norms:
                norm.momentum = number / (number + 1)  # the mean of all batches so far
            seeds = np.arange(batch_size) + batch_size * number + seed * passes * batch_size
            model.feed(network, sampling.draw(model, "generate", seeds, {}, truncation), training=True)
    finally:
        for norm, (momentum, trainable) in zip(norms, settings, strict=True):
            norm.momentum, norm.trainable = momentum, trainable
        for weight, value in others:  # the singular vectors of spectral normalization
            weight.assign(value)
