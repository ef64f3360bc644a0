"""The contenders of `python -m tools.benchmark train`: DCGAN training by the zoo, by a bare loop and by PyTorch.

Each is a function (image_shape, filters, batch, jit) -> (run, parameters): `run(steps)` trains that many
steps and returns when they are done, `parameters` counts what is trained. All draw z from U(-1, 1), take
uint8 images from memory, map them to [-1, 1] on the device, and step both players with Adam on the
non-saturating losses of Goodfellow et al. 2014. Each imports the framework it needs and no other.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

from tools.benchmark.race import limit_threads

GAMES = {64: ((64, 64, 3), 128), 28: ((28, 28, 1), 64)}  # side -> image_shape, filters
LATENT_DIM, KERNEL = 100, 5
ADAM = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}
BATCHES = 16  # distinct batches that the contenders go round

Run = Callable[[int], None]  # trains that many steps and returns when they are done


def build(job: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    """What `race` runs. Beyond what it reads itself a job has `image_shape`, `filters` and `jit`."""
    limit_threads(job["contender"], job["threads"])
    train_steps = CONTENDERS[job["contender"]]
    run, parameters = train_steps(tuple(job["image_shape"]), job["filters"], job["batch"], job["jit"])
    return run, {"parameters": parameters}


def zoo(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """The zoo as a user runs it."""
    from tfgan_zoo.families.dcgan import DCGAN

    model = DCGAN(image_shape=image_shape, latent_dim=LATENT_DIM, filters=filters, kernel_size=KERNEL)
    model.compile(jit_compile=jit)
    data = pipeline(image_shape, batch)

    def run(steps):
        model.fit(data, steps_per_epoch=steps, verbose=0)

    return run, count(model.trainable_variables)


def bare(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """The same networks and losses in one tf.function: alternating steps that share one generator pass."""
    from tfgan_zoo.families.dcgan import DCGAN

    model = DCGAN(image_shape=image_shape, latent_dim=LATENT_DIM, filters=filters, kernel_size=KERNEL)
    generator, discriminator = model.generator, model.discriminator
    step = bare_step(generator, discriminator, jit)
    batches = iter(pipeline(image_shape, batch))

    def run(steps):
        for _ in range(steps):
            _, g_loss = step(next(batches)["image"])
        float(g_loss)  # wait for devices that run ahead

    return run, count(generator.trainable_variables + discriminator.trainable_variables)


def bare_step(generator, discriminator, jit: bool = False, noise: Callable | None = None):
    """uint8 images (batch, height, width, channels) -> (d_loss, g_loss), both networks moved by Adam.

    `noise(shape)` draws the latents; U(-1, 1) unless given.
    """
    import keras
    import tensorflow as tf

    noise = noise or (lambda shape: tf.random.uniform(shape, -1.0, 1.0))
    d_variables, g_variables = discriminator.trainable_variables, generator.trainable_variables
    d_optimizer, g_optimizer = keras.optimizers.Adam(**ADAM), keras.optimizers.Adam(**ADAM)
    d_optimizer.build(d_variables)
    g_optimizer.build(g_variables)

    @tf.function(jit_compile=jit)
    def step(images):
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        with tf.GradientTape() as g_tape:
            fake = generator(noise((images.shape[0], LATENT_DIM)), training=True)
            with g_tape.stop_recording():
                with tf.GradientTape() as d_tape:
                    d_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(real, training=True)))
                    d_loss += tf.reduce_mean(tf.nn.softplus(discriminator(fake, training=True)))
                d_optimizer.apply(d_tape.gradient(d_loss, d_variables), d_variables)
            g_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(fake, training=True)))
        g_optimizer.apply(g_tape.gradient(g_loss, g_variables), g_variables)
        return d_loss, g_loss

    return step


def pytorch(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """pytorch/examples/dcgan in channels_last: what a PyTorch user would write.

    Two things differ from the example, both in PyTorch's favour: gradients that nobody uses (of D in G's
    step) are not computed, and the sigmoid is part of the loss.
    """
    import torch
    from torch.nn.functional import softplus

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator, discriminator = (
        network.to(device, memory_format=torch.channels_last) for network in torch_networks(image_shape, filters)
    )
    d_parameters, g_parameters = list(discriminator.parameters()), list(generator.parameters())
    adam = {"lr": ADAM["learning_rate"], "betas": (ADAM["beta_1"], ADAM["beta_2"]), "eps": ADAM["epsilon"]}
    d_optimizer, g_optimizer = torch.optim.Adam(d_parameters, **adam), torch.optim.Adam(g_parameters, **adam)
    images, at = random_images(image_shape, batch), 0

    def step(uint8):
        # (n, h, w, c) seen as (n, c, h, w) is channels last already
        real = torch.from_numpy(uint8).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
        fake = generator(torch.rand(len(uint8), LATENT_DIM, 1, 1, device=device) * 2.0 - 1.0)
        d_optimizer.zero_grad()
        d_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
        d_loss.backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        g_loss = softplus(-discriminator(fake)).mean()
        g_loss.backward(inputs=g_parameters)
        g_optimizer.step()
        return g_loss

    def run(steps):
        nonlocal at
        for _ in range(steps):
            g_loss = step(images[at * batch : (at + 1) * batch])
            at = (at + 1) % BATCHES
        g_loss.item()  # wait for devices that run ahead

    return run, sum(parameter.numel() for parameter in d_parameters + g_parameters)


def torch_networks(image_shape, filters: int):
    """Generator and discriminator with the layers, widths and biases of `tfgan_zoo.families.dcgan`."""
    from torch import nn

    from tfgan_zoo.networks.geometry import count_doublings

    height, _, channels = image_shape
    doublings = count_doublings(image_shape)
    start = height >> doublings
    widths = [filters << level for level in range(doublings)]  # from the image inwards
    half = KERNEL // 2

    def weights(layer):  # as in the example and in the paper
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)

    def norm(width):
        return nn.BatchNorm2d(width, eps=1e-5, momentum=0.1)

    layers = [nn.ConvTranspose2d(LATENT_DIM, widths[-1], start, bias=False), norm(widths[-1]), nn.ReLU(True)]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers += [nn.ConvTranspose2d(wide, narrow, KERNEL, 2, half, output_padding=1, bias=False)]
        layers += [norm(narrow), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(filters, channels, KERNEL, 2, half, output_padding=1), nn.Tanh()]
    generator = nn.Sequential(*layers).apply(weights)

    layers = [nn.Conv2d(channels, filters, KERNEL, 2, half), nn.LeakyReLU(0.2, True)]
    for narrow, wide in itertools.pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, KERNEL, 2, half, bias=False), norm(wide), nn.LeakyReLU(0.2, True)]
    layers += [nn.Conv2d(widths[-1], 1, start)]
    return generator, nn.Sequential(*layers).apply(weights)


CONTENDERS = {"zoo": zoo, "bare": bare, "pytorch": pytorch}


def random_images(image_shape, batch: int):
    """uint8 noise, `BATCHES` batches of it."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (BATCHES * batch, *image_shape), np.uint8)


def pipeline(image_shape, batch: int):
    """An endless prefetching tf.data pipeline of uint8 batches {"image": (batch, *image_shape)}."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices({"image": random_images(image_shape, batch)})
    return data.repeat().batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def count(variables) -> int:
    """Scalars in `variables`."""
    return sum(math.prod(variable.shape) for variable in variables)
