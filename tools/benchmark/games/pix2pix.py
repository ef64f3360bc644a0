"""pix2pix at 64x64 with half of the paper's widths. Isola et al. 2017, arXiv:1611.07004."""

from tools.benchmark.games.game import Game, Side

L1_WEIGHT = 100.0


def data(arguments):
    return dict.fromkeys(("source", "target"), arguments["image_shape"])


def bare(model, random) -> Side:
    import tensorflow as tf

    generator, discriminator = model.generator, model.discriminator

    def fake(batch):
        return generator(batch["source"], training=True)  # the noise is dropout

    def judge(batch, images):
        return discriminator([batch["source"], images], training=True)

    def d_loss(batch, fake):
        real_logits, fake_logits = judge(batch, batch["target"]), judge(batch, fake)
        return (tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))) / 2

    def g_loss(batch, fake):
        l1 = tf.reduce_mean(tf.abs(batch["target"] - fake))
        return L1_WEIGHT * l1 + tf.reduce_mean(tf.nn.softplus(-judge(batch, fake)))

    return Side(discriminator.trainable_variables, generator.trainable_variables, fake, judge, d_loss, g_loss)


def pytorch(arguments) -> Side:
    import torch
    from torch.nn.functional import softplus

    generator, discriminator = torch_networks(**arguments)

    def fake(batch):
        return torch.tanh(generator(batch["source"]).float())

    def judge(batch, images):
        return discriminator(torch.cat([batch["source"], images], 1)).float()

    def d_loss(batch, fake):
        return (softplus(-judge(batch, batch["target"])).mean() + softplus(judge(batch, fake)).mean()) / 2

    def g_loss(batch, fake):
        l1 = (batch["target"] - fake).abs().mean()
        return L1_WEIGHT * l1 + softplus(-judge(batch, fake)).mean()

    return Side(list(discriminator.parameters()), list(generator.parameters()), fake, judge, d_loss, g_loss)


def torch_networks(image_shape, filters, discriminator_filters, dropout, **_):
    """U-Net and PatchGAN of 70 pixels with the layers of `tfgan_zoo.families.pix2pix`."""
    import torch
    from torch import nn

    side, _, channels = image_shape
    halvings = (side & -side).bit_length() - 1
    widths = [filters * min(2**level, 8) for level in range(halvings)]

    def norm(width):
        return nn.InstanceNorm2d(width, affine=True)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = nn.ModuleList(), nn.ModuleList()
            for level, width in enumerate(widths):
                inner = 0 < level < halvings - 1
                layers = [nn.LeakyReLU(0.2)] if level else []
                layers += [nn.Conv2d(widths[level - 1] if level else channels, width, 4, 2, 1, bias=not inner)]
                self.down.append(nn.Sequential(*layers, *([norm(width)] if inner else [])))
            taken = widths[-1]
            for place, width in enumerate(reversed(widths[:-1])):
                layers = [nn.ReLU(), nn.ConvTranspose2d(taken, width, 4, 2, 1, bias=False), norm(width)]
                self.up.append(nn.Sequential(*layers, *([nn.Dropout(dropout)] if place < 3 else [])))
                taken = 2 * width  # with the map of the same size from the way down
            self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(taken, channels, 4, 2, 1))

        def forward(self, x):
            on_the_way = []
            for block in self.down:
                on_the_way.append(x := block(x))
            on_the_way.pop()
            for block in self.up:
                x = torch.cat([block(x), on_the_way.pop()], 1)
            return self.last(x)

    layers, seen = [], 2 * channels
    for level in range(4):
        width = discriminator_filters * min(2**level, 8)
        layers += [nn.Conv2d(seen, width, 4, 1 if level == 3 else 2, 1, bias=not level)]
        layers += ([norm(width)] if level else []) + [nn.LeakyReLU(0.2)]
        seen = width
    return UNet(), nn.Sequential(*layers, nn.Conv2d(seen, 1, 4, 1, 1))


GAMES = {
    "pix2pix": Game(
        family="pix2pix",
        arguments={
            "image_shape": (64, 64, 3),
            "filters": 32,
            "discriminator_filters": 32,
            "patch": 70,
            "dropout": 0.5,
        },
        smoke={"filters": 4, "discriminator_filters": 4},
        batch=16,
        adam={"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7},
        data=data,
        bare=bare,
        pytorch=pytorch,
    )
}
