"""Layers that Keras lacks or that need other defaults in adversarial training."""

from tfgan_zoo.layers.maxout import Maxout
from tfgan_zoo.layers.noise import Dropout
from tfgan_zoo.layers.normalization import batch_norm

__all__ = ["Dropout", "Maxout", "batch_norm"]
