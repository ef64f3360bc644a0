"""Normalization."""

import keras


def batch_norm(momentum: float = 0.9, gamma_stddev: float = 0.02) -> keras.layers.BatchNormalization:
    """Batch normalization over the global batch of all replicas, scales drawn from N(1, `gamma_stddev`).

    Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167, with the settings of the DCGAN authors' code.
    """
    return keras.layers.BatchNormalization(
        momentum=momentum,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, gamma_stddev),
        synchronized=True,
    )
