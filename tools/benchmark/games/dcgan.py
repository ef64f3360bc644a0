"""DCGAN at the paper's widths, 64x64, and at half of them for pictures of 28x28. Radford et al. 2015, arXiv:1511.06434.

In PyTorch: pytorch/examples/dcgan at the same widths and kernels. Two things differ from the example, both in PyTorch's
favour: gradients that nobody uses (of D in G's step) are not computed, and the sigmoid is part of the loss.
"""

import itertools

from tools.benchmark.games.game import Game, Side


def data(arguments):
    return {"image": arguments["image_shape"]}


def bare(model, random) -> Side:
    import tensorflow as tf

    generator, discriminator = model.generator, model.discriminator

    def fake(batch):
        z = random.uniform((batch["image"].shape[0], model.latent_dim), -1.0, 1.0)
        return generator(z, training=True)

    def judge(batch, images):
        return discriminator(images, training=True)

    def d_loss(batch, fake):
        real_logits, fake_logits = judge(batch, batch["image"]), judge(batch, fake)
        return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))

    def g_loss(batch, fake):
        return tf.reduce_mean(tf.nn.softplus(-judge(batch, fake)))

    return Side(discriminator.trainable_variables, generator.trainable_variables, fake, judge, d_loss, g_loss)


def pytorch(arguments) -> Side:
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    generator, discriminator = torch_networks(**arguments)
    for layer in itertools.chain(generator.modules(), discriminator.modules()):  # as in the example and in the paper
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)

    def fake(batch):
        return generator(torch.rand(len(batch["image"]), arguments["latent_dim"], 1, 1) * 2.0 - 1.0)

    def judge(batch, images):
        return discriminator(images).float()

    def d_loss(batch, fake):
        return softplus(-judge(batch, batch["image"])).mean() + softplus(judge(batch, fake)).mean()

    def g_loss(batch, fake):
        return softplus(-judge(batch, fake)).mean()

    return Side(list(discriminator.parameters()), list(generator.parameters()), fake, judge, d_loss, g_loss)


def torch_networks(image_shape, latent_dim, filters, kernel_size):
    """Generator and discriminator with the layers, widths and biases of `tfgan_zoo.families.dcgan`."""
    from torch import nn

    from tfgan_zoo.networks.geometry import count_doublings

    height, _, channels = image_shape
    doublings = count_doublings(image_shape)
    start, half = height >> doublings, kernel_size // 2
    widths = [filters << level for level in range(doublings)]  # from the image inwards

    layers = [nn.ConvTranspose2d(latent_dim, widths[-1], start, bias=False), nn.BatchNorm2d(widths[-1]), nn.ReLU(True)]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers += [nn.ConvTranspose2d(wide, narrow, kernel_size, 2, half, output_padding=1, bias=False)]
        layers += [nn.BatchNorm2d(narrow), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(filters, channels, kernel_size, 2, half, output_padding=1), nn.Tanh()]
    generator = nn.Sequential(*layers)

    layers = [nn.Conv2d(channels, filters, kernel_size, 2, half), nn.LeakyReLU(0.2, True)]
    for narrow, wide in itertools.pairwise(widths):
        layers += [nn.Conv2d(narrow, wide, kernel_size, 2, half, bias=False), nn.BatchNorm2d(wide)]
        layers += [nn.LeakyReLU(0.2, True)]
    layers += [nn.Conv2d(widths[-1], 1, start)]
    return generator, nn.Sequential(*layers)


def game(image_shape, filters) -> Game:
    """DCGAN for pictures of a shape."""
    return Game(
        family="dcgan",
        arguments={"image_shape": image_shape, "latent_dim": 100, "filters": filters, "kernel_size": 5},
        smoke={"filters": 4},
        batch=64,
        adam={"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7},
        data=data,
        bare=bare,
        pytorch=pytorch,
    )


GAMES = {"dcgan28": game((28, 28, 1), 64), "dcgan64": game((64, 64, 3), 128)}
