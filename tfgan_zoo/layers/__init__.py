"""Layers that Keras lacks or that need other defaults in adversarial training."""

from tfgan_zoo.layers.attention import SelfAttention
from tfgan_zoo.layers.basis import Basis
from tfgan_zoo.layers.batch import MinibatchStdDev
from tfgan_zoo.layers.convolution import EnlargingConv2D, GroupedConv2D, ShrinkingConv2D
from tfgan_zoo.layers.highway import Highway
from tfgan_zoo.layers.kernels import EqualizedLearningRate, SpectralNormalization, WeightNormalization
from tfgan_zoo.layers.maxout import Maxout
from tfgan_zoo.layers.noise import Dropout, GaussianNoise, NoiseInjection, PhaseShuffle
from tfgan_zoo.layers.normalization import (
    AdaptiveInstanceNormalization,
    ConditionalBatchNormalization,
    PixelNormalization,
    batch_norm,
    instance_norm,
)
from tfgan_zoo.layers.partial import PartialConv2D
from tfgan_zoo.layers.resampling import ICNR, PixelShuffle, ReflectionPadding2D, UpFirDn2D
from tfgan_zoo.layers.waves import Waves

__all__ = [
    "ICNR",
    "AdaptiveInstanceNormalization",
    "Basis",
    "ConditionalBatchNormalization",
    "Dropout",
    "EnlargingConv2D",
    "EqualizedLearningRate",
    "GaussianNoise",
    "GroupedConv2D",
    "Highway",
    "Maxout",
    "MinibatchStdDev",
    "NoiseInjection",
    "PartialConv2D",
    "PhaseShuffle",
    "PixelNormalization",
    "PixelShuffle",
    "ReflectionPadding2D",
    "SelfAttention",
    "ShrinkingConv2D",
    "SpectralNormalization",
    "UpFirDn2D",
    "Waves",
    "WeightNormalization",
    "batch_norm",
    "instance_norm",
]
