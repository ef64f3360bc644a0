"""VGAN: videos of something that moves before a background that does not.

Vondrick, Pirsiavash, Torralba 2016: Generating Videos with Scene Dynamics. https://arxiv.org/abs/1609.02612
Networks and hyperparameters: the authors' code.

    G(z) = m * f + (1 - m) * b, with foreground f, mask m and a background b that is the same in all frames
    D minimizes -(E log D(x) + E log(1 - D(G(z)))) / 2
    G minimizes -E log D(G(z)) + lambda E m
or, where b, f and m are made of a given first frame x_0, -E log D(G(x_0)) + 10 E |x_0 - first frame of G(x_0)|.
"""

from typing import Literal

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Points, Video
from tfgan_zoo.networks import clips
from tfgan_zoo.types import ImageShape, Positive, Weight


class VGAN(AdversarialModel):
    """Two streams make a video: a still background, and a foreground with a mask that tells where it is seen.

    Args:
        frames: of a video, a power of two from 8 up.
        image_shape: (height, width, channels) of a frame, float [-1, 1]; both sides are `frames` times 1, 2 or 4.
        streams: 2; or 1, the foreground alone, which the paper compares with.
        conditional: a first frame is given, of which an encoder makes what is z otherwise.
        latent_dim: length of z, drawn from N(0, I).
        filters: channels of the largest maps within the streams; they double with each halving. Given a frame, the
            generator has twice as many.
        mask_weight: lambda, of the mask's mean: without it the foreground makes everything. 0 where a frame is given.
        frame_weight: of the difference between the frame given and the first one made.
    """

    def __init__(
        self,
        frames: Positive = 32,
        image_shape: ImageShape = (64, 64, 3),
        streams: Literal[1, 2] = 2,
        conditional: bool = False,
        latent_dim: Positive = 100,
        filters: Positive = 64,
        mask_weight: Weight = 0.1,
        frame_weight: Weight = 10.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        times = {side / frames for side in image_shape[:2]}
        if frames < 8 or frames & (frames - 1) or not times <= {1, 2, 4}:
            raise ZooError(
                f"frames={frames}, image_shape={list(image_shape)}: frames are 8, 16, 32 ..., both sides 1, 2 or 4 "
                "times as many, such as 32 and 64."
            )
        self.frames = frames
        self.image_shape = tuple(image_shape)
        self.streams = streams
        self.conditional = conditional
        self.latent_dim = latent_dim
        self.filters = filters
        self.mask_weight = mask_weight
        self.frame_weight = frame_weight
        self.assemble()

    @property
    def element_spec(self):
        return {"video": Video((self.frames, *self.image_shape))}

    @property
    def endpoints(self):
        video, length = self.element_spec["video"], self.discriminator.output["features"].shape[1]
        encode = {"encode": Endpoint({"video": video}, Points((length,)), ("discriminator",))}
        if not self.conditional:
            return super().endpoints | encode
        return {"animate": Endpoint({"image": Image(self.image_shape)}, video, ("generator",))} | encode

    def generate(self, inputs):
        """Endpoint: noise -> a video."""
        return self.feed(self.best("generator"), inputs, training=False)["video"]

    def animate(self, inputs):
        """Endpoint: a first frame -> a video."""
        return self.generate(inputs)

    def encode(self, inputs):
        """Endpoint: a video -> what the discriminator's last layer sees."""
        return self.feed(self.discriminator, inputs, training=False)["features"]

    def latents(self, count):
        return {} if self.conditional else super().latents(count)

    def fake(self, batch):
        """A video, and with two streams its mask (n, frames, height, width, 1)."""
        return super().fake(batch | {"image": batch["video"][:, 0]})

    def judge(self, video):
        return self.feed(self.discriminator, {"video": video})["logit"]

    def discriminator_loss(self, batch, fake):
        return losses.minimax_discriminator(self.judge(batch["video"]), self.judge(fake["video"])) / 2

    def generator_loss(self, batch, fake):
        deceive, terms = losses.non_saturating_generator(self.judge(fake["video"])), {}
        if self.streams == 2:
            terms["mask"] = ops.mean(fake["mask"])
        if not self.conditional:
            return deceive + self.mask_weight * terms.get("mask", 0.0), terms
        frame = ops.mean(ops.abs(fake["video"][:, 0] - batch["video"][:, 0]))
        return deceive + self.frame_weight * frame, terms | {"frame": frame}

    def build_networks(self):
        levels = self.frames.bit_length() - 2  # doublings, from 2 frames on
        video, filters = keras.Input((self.frames, *self.image_shape), name="video"), self.filters
        if self.conditional:
            given, filters = keras.Input(self.image_shape, name="image"), 2 * filters
            code = clips.encoded(given, levels, filters)
        else:
            given = code = keras.Input((self.latent_dim,), name="z")
        return {
            "generator": keras.Model(given, self.made(code, levels - 1, filters), name="generator"),
            "discriminator": keras.Model(video, clips.judged(video, levels, self.filters), name="discriminator"),
        }

    def made(self, code, doublings, filters):
        """What becomes of the code of a video: {"video", and with two streams "mask"}, float32."""
        sides, channels = [2 * side // self.frames for side in self.image_shape[:2]], self.image_shape[-1]
        x = clips.upwards(code, (2, *sides), doublings, filters, clips.Double3D)
        front = clips.head(x, channels, "tanh", clips.Double3D)
        if self.streams == 1:
            return {"video": front}
        mask = clips.head(x, 1, "sigmoid", clips.Double3D)
        still = clips.upwards(code, sides, doublings, filters, clips.Double)
        back = ops.expand_dims(clips.head(still, channels, "tanh", clips.Double), 1)
        return {"video": mask * front + (1 - mask) * back, "mask": mask}
