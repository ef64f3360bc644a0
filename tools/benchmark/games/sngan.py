"""SNGAN with a projection discriminator at 32x32, as for CIFAR-10, at a quarter and half of the paper's widths.

Miyato et al. 2018, arXiv:1802.05957; Miyato, Koyama 2018, arXiv:1802.05637. One discriminator step a turn.
"""

import itertools

from tools.benchmark.games.game import Game, Side


def data(arguments):
    return {"image": arguments["image_shape"], "label": arguments["num_classes"]}


def bare(model, random) -> Side:
    import tensorflow as tf

    generator, discriminator = model.generator, model.discriminator

    def fake(batch):
        z = random.normal((batch["image"].shape[0], model.latent_dim))
        return generator([z, batch["label"]], training=True)

    def judge(batch, images):
        return discriminator([images, batch["label"]], training=True)["score"]

    def d_loss(batch, fake):
        real_scores, fake_scores = judge(batch, batch["image"]), judge(batch, fake)
        return tf.reduce_mean(tf.nn.relu(1.0 - real_scores)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_scores))

    def g_loss(batch, fake):
        return -tf.reduce_mean(judge(batch, fake))

    return Side(discriminator.trainable_variables, generator.trainable_variables, fake, judge, d_loss, g_loss)


def pytorch(arguments) -> Side:
    import torch
    from torch import nn
    from torch.nn.functional import relu

    generator, discriminator = torch_networks(**arguments)
    for layer in itertools.chain(generator.modules(), discriminator.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.zeros_(layer.bias)

    def fake(batch):
        return generator(torch.randn(len(batch["label"]), arguments["latent_dim"]), batch["label"])

    def judge(batch, images):
        return discriminator(images, batch["label"])

    def d_loss(batch, fake):
        return relu(1.0 - judge(batch, batch["image"])).mean() + relu(1.0 + judge(batch, fake)).mean()

    def g_loss(batch, fake):
        return -judge(batch, fake).mean()

    return Side(list(discriminator.parameters()), list(generator.parameters()), fake, judge, d_loss, g_loss)


def torch_networks(image_shape, latent_dim, generator_filters, discriminator_filters, num_classes, **_):
    """Generator and discriminator with the layers of `tfgan_zoo.families.sngan`, "resnet" with "projection"."""
    import torch
    from torch import nn
    from torch.nn.functional import avg_pool2d, interpolate, relu
    from torch.nn.utils.parametrizations import spectral_norm

    from tfgan_zoo.networks.geometry import count_doublings

    height, _, channels = image_shape
    doublings = count_doublings(image_shape)
    start, wide, narrow = height >> doublings, generator_filters, discriminator_filters

    class ClassNorm(nn.Module):
        """Batch normalization with a scale and an offset for each class."""

        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(wide, affine=False)
            self.gain, self.offset = nn.Embedding(num_classes, wide), nn.Embedding(num_classes, wide)
            nn.init.zeros_(self.gain.weight)
            nn.init.zeros_(self.offset.weight)

        def forward(self, x, label):
            gain, offset = self.gain(label)[:, :, None, None], self.offset(label)[:, :, None, None]
            return self.norm(x) * (1 + gain) + offset

    class Up(nn.Module):
        """A residual block that doubles the sides."""

        def __init__(self):
            super().__init__()
            self.norm, self.first = ClassNorm(), nn.Conv2d(wide, wide, 3, padding=1)
            self.next_norm, self.second = ClassNorm(), nn.Conv2d(wide, wide, 3, padding=1)
            self.beside = nn.Conv2d(wide, wide, 1)

        def forward(self, x, label):
            h = self.first(interpolate(relu(self.norm(x, label)), scale_factor=2))
            h = self.second(relu(self.next_norm(h, label)))
            return h + self.beside(interpolate(x, scale_factor=2))

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(latent_dim, start * start * wide)
            self.blocks = nn.ModuleList(Up() for _ in range(doublings))
            self.norm, self.last = nn.BatchNorm2d(wide), nn.Conv2d(wide, channels, 3, padding=1)

        def forward(self, z, label):
            x = self.dense(z).view(len(z), start, start, wide).permute(0, 3, 1, 2)  # channels last already
            for block in self.blocks:
                x = block(x, label)
            return torch.tanh(self.last(relu(self.norm(x))).float())

    class Down(nn.Module):
        """A residual block of the discriminator; the first of them has no activation at its input."""

        def __init__(self, channels, halves, first=False):
            super().__init__()
            self.halves, self.is_first = halves, first
            self.first = spectral_norm(nn.Conv2d(channels, narrow, 3, padding=1))
            self.second = spectral_norm(nn.Conv2d(narrow, narrow, 3, padding=1))
            self.beside = spectral_norm(nn.Conv2d(channels, narrow, 1)) if first or halves else None

        def forward(self, x):
            h = self.second(relu(self.first(x if self.is_first else relu(x))))
            h = avg_pool2d(h, 2) if self.halves else h
            if self.is_first:
                return h + self.beside(avg_pool2d(x, 2))
            return h + (avg_pool2d(self.beside(x), 2) if self.halves else x)

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            places = [Down(channels, True, first=True), Down(narrow, True), Down(narrow, False), Down(narrow, False)]
            self.blocks = nn.Sequential(*places)
            self.table = spectral_norm(nn.Embedding(num_classes, narrow))
            self.score = spectral_norm(nn.Linear(narrow, 1))

        def forward(self, images, label):
            features = relu(self.blocks(images)).sum((2, 3))
            return (self.score(features)[:, 0] + (self.table(label) * features).sum(1)).float()

    return Generator(), Discriminator()


GAMES = {
    "sngan": Game(
        family="sngan",
        arguments={
            "image_shape": (32, 32, 3),
            "latent_dim": 128,
            "generator_filters": 64,
            "discriminator_filters": 64,
            "condition": "projection",
            "num_classes": 10,
            "discriminator_steps": 1,
        },
        smoke={"generator_filters": 4, "discriminator_filters": 4},
        batch=64,
        adam={"learning_rate": 2e-4, "beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-7},
        data=data,
        bare=bare,
        pytorch=pytorch,
    )
}
