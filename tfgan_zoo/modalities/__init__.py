"""Kinds of data: what a model takes and gives, declared once and used everywhere.

An element specification is `{key: modality}`, an endpoint is made of modalities, and whatever has to treat pictures,
labels or sounds differently asks the modality instead of guessing from a name, a rank or a dtype. The list is closed
and follows `tfds.features` where that has a name:

    Image Mask ClassLabel Text Audio Video Voxels Points

Each kind has two forms. The *stored* form is what files, pipelines and answers hold; the *model* form is what networks
see and make. `to_model` and `to_stored` lead from one to the other. Nothing here imports TensorFlow before it is used.
"""

from tfgan_zoo.modalities.audio import Audio
from tfgan_zoo.modalities.base import ClassLabel, Modality, Points
from tfgan_zoo.modalities.pictures import Image, Mask, Video, Voxels
from tfgan_zoo.modalities.text import Text

__all__ = ["Audio", "ClassLabel", "Image", "Mask", "Modality", "Points", "Text", "Video", "Voxels"]
