"""StyleGAN at 32x32, its last phase: mixed styles, noise, R1 at every step. Karras et al. 2019, arXiv:1812.04948.

R1 is the gradient of the scores of real pictures. Bare and PyTorch take it from the pass that the loss needs anyway;
a turn is worth 11 passes of the discriminator then: 8 as in other games, back to the pictures for R1, and back from
there to weights and maps.
"""

import itertools

from tools.benchmark.games.game import Game, Side

R1_WEIGHT = 10.0


def data(arguments):
    return {"image": arguments["image_shape"]}


def bare(model, random) -> Side:
    import tensorflow as tf

    mapping, critic, synthesis = (
        model.mapping,
        *(network.get_layer("levels") for network in (model.discriminator, model.generator)),
    )
    level, positions = len(model.sides) - 1, model.noise_shape[0]
    layers = 2 * len(model.sides)

    def fake(batch):
        count = batch["image"].shape[0]
        w = mapping(random.normal((count, model.latent_dim)), training=True)
        other = mapping(random.normal((count, model.latent_dim)), training=False)
        mixed = random.uniform((count,)) < model.mixing
        crossing = tf.where(mixed, 1 + random.integers((count,), layers - 1), layers)
        first = tf.range(layers) < crossing[:, None]
        styles = tf.where(first[..., None], w[:, None], other[:, None])
        return synthesis([styles, random.normal((count, positions))], level=level, fading=False)

    def judge(batch, images):
        return critic(images, level=level, fading=False)

    def d_loss(batch, fake):
        real = batch["image"]
        with tf.GradientTape() as tape:
            tape.watch(real)
            real_logits = judge(batch, real)
        slopes = tf.reduce_sum(tf.square(tape.gradient(real_logits, real)), (1, 2, 3))
        loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(judge(batch, fake)))
        return loss + R1_WEIGHT * tf.reduce_mean(slopes) / 2

    def g_loss(batch, fake):
        return tf.reduce_mean(tf.nn.softplus(-judge(batch, fake)))

    g_variables = mapping.trainable_variables + model.generator.trainable_variables
    return Side(model.discriminator.trainable_variables, g_variables, fake, judge, d_loss, g_loss)


def pytorch(arguments) -> Side:
    import torch
    from torch.nn.functional import softplus

    mapping, synthesis, critic = torch_networks(**arguments)
    layers, latent_dim, mixing = 2 * len(synthesis.blocks), arguments["latent_dim"], arguments["mixing"]

    def fake(batch):
        count = len(batch["image"])
        w, other = mapping(torch.randn(count, latent_dim)), mapping(torch.randn(count, latent_dim))
        mixed = torch.rand(count) < mixing
        crossing = torch.where(mixed, torch.randint(1, layers, (count,)), layers)
        first = torch.arange(layers) < crossing[:, None]
        return synthesis(torch.where(first[..., None], w[:, None], other[:, None]))

    def judge(batch, images):
        return critic(images)

    def d_loss(batch, fake):
        real = batch["image"].requires_grad_()
        real_logits = judge(batch, real)
        (slopes,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
        penalty = slopes.float().square().sum((1, 2, 3)).mean() / 2
        loss = softplus(-real_logits).mean() + softplus(judge(batch, fake)).mean()
        return loss + R1_WEIGHT * penalty

    def g_loss(batch, fake):
        return softplus(-judge(batch, fake)).mean()

    g_parameters = [*mapping.parameters(), *synthesis.parameters()]
    return Side(list(critic.parameters()), g_parameters, fake, judge, d_loss, g_loss)


def torch_networks(image_shape, latent_dim, style_dim, filters, max_filters, mapping_layers, stddev_group, **_):
    """Mapping, synthesis and discriminator with the layers of `tfgan_zoo.families.stylegan`.

    As there, each level has a layer to and one from pictures, of which only those of the last are used at its size.
    """
    import torch
    from torch import nn
    from torch.nn.functional import conv2d, conv_transpose2d, instance_norm, leaky_relu, linear, pad

    from tfgan_zoo.networks.geometry import count_doublings

    height, width, channels = image_shape
    doublings = count_doublings(image_shape)
    start = height >> doublings, width >> doublings
    widths = [min(filters << level, max_filters) for level in reversed(range(doublings + 1))]

    def rectified(x):
        return leaky_relu(x, 0.2)

    def doubled(kernel):
        """The 4x4 kernel that sums a 3x3 one over the four places of a 2x2 square."""
        return sum(pad(kernel, (left, 1 - left, top, 1 - top)) for top in (0, 1) for left in (0, 1))

    class Linear(nn.Module):
        """Weights of N(0, 1 / multiplier), scaled at each call: an equalized learning rate."""

        def __init__(self, taken, made, gain=2**0.5, multiplier=1.0):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(made, taken) / multiplier)
            self.bias = nn.Parameter(torch.zeros(made))
            self.scale, self.multiplier = gain / taken**0.5 * multiplier, multiplier

        def forward(self, x):
            return linear(x, self.weight * self.scale, self.bias * self.multiplier)

    class Conv(nn.Module):
        """The same as a convolution; "up" enlarges before it, "down" takes the mean of 2x2 pixels after it."""

        def __init__(self, taken, made, size=3, gain=2**0.5, bias=True, change=""):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(made, taken, size, size))
            self.bias = nn.Parameter(torch.zeros(made)) if bias else None
            self.scale, self.change, self.margin = gain / (taken * size * size) ** 0.5, change, size // 2

        def forward(self, x):
            kernel = self.weight * self.scale
            if self.change == "up":
                return conv_transpose2d(x, doubled(kernel).flip(2, 3).transpose(0, 1), self.bias, 2, 1)
            if self.change == "down":
                return conv2d(x, doubled(kernel) / 4, self.bias, 2, 1)
            return conv2d(x, kernel, self.bias, 1, self.margin)

    class Blur(nn.Module):
        def __init__(self, width):
            super().__init__()
            line = torch.tensor([1.0, 2.0, 1.0]) / 4
            self.register_buffer("kernel", torch.outer(line, line).repeat(width, 1, 1, 1))

        def forward(self, x):
            return conv2d(x, self.kernel, padding=1, groups=len(self.kernel))

    class Layer(nn.Module):
        """Noise, bias, rectifier, style."""

        def __init__(self, width):
            super().__init__()
            self.noise, self.bias = (nn.Parameter(torch.zeros(width, 1, 1)) for _ in range(2))
            self.style = Linear(style_dim, 2 * width, gain=1.0)

        def forward(self, x, w):
            noise = torch.randn(len(x), 1, *x.shape[2:])
            x = instance_norm(rectified(x + self.noise * noise + self.bias), eps=1e-8)
            gain, offset = self.style(w)[:, :, None, None].chunk(2, 1)
            return x * (1 + gain) + offset

    class Level(nn.Module):
        """Enlarge and blur (or begin with a learned map), a layer, a convolution, a layer."""

        def __init__(self, taken, made):
            super().__init__()
            if taken:
                self.start = nn.Sequential(Conv(taken, made, bias=False, change="up"), Blur(made))
            else:
                self.map = nn.Parameter(torch.ones(made, *start))
            self.first, self.conv, self.second = Layer(made), Conv(made, made, bias=False), Layer(made)

        def forward(self, x, styles):
            if x is None:
                x = self.map.expand(len(styles), *self.map.shape).contiguous(memory_format=torch.channels_last)
            else:
                x = self.start(x)
            return self.second(self.conv(self.first(x, styles[:, 0])), styles[:, 1])

    class Mapping(nn.Module):
        def __init__(self):
            super().__init__()
            ends = [latent_dim] + mapping_layers * [style_dim]
            self.layers = nn.ModuleList(Linear(*pair, multiplier=0.01) for pair in itertools.pairwise(ends))

        def forward(self, z):
            w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
            for layer in self.layers:
                w = rectified(layer(w))
            return w.float()

    class Synthesis(nn.Module):
        def __init__(self):
            super().__init__()
            self.to_pictures = nn.ModuleList(Conv(width, channels, 1, gain=1.0) for width in widths)
            self.blocks = nn.ModuleList(Level(*pair) for pair in zip([None, *widths[:-1]], widths, strict=True))

        def forward(self, styles):
            x = None
            for number, block in enumerate(self.blocks):
                x = block(x, styles[:, 2 * number : 2 * number + 2])
            return self.to_pictures[-1](x).float()

    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            last = widths[0]
            self.from_pictures = nn.ModuleList(Conv(channels, width, 1) for width in widths)
            self.conv = Conv(last + 1 if stddev_group else last, last)
            self.hidden, self.score = Linear(start[0] * start[1] * last, last), Linear(last, 1, gain=1.0)
            self.blocks = nn.ModuleList()
            for below, here in itertools.pairwise(widths):
                self.blocks.append(nn.ModuleList([Conv(here, here), Blur(here), Conv(here, below, change="down")]))

        def forward(self, images):
            x = rectified(self.from_pictures[-1](images))
            for conv, blur, shrink in reversed(self.blocks):
                x = rectified(shrink(blur(rectified(conv(x)))))
            x = rectified(self.conv(deviation(x) if stddev_group else x))
            flat = x.permute(0, 2, 3, 1).flatten(1)  # as channels last has it
            return self.score(rectified(self.hidden(flat))).float()

    def deviation(x):
        """The standard deviation over a group of examples as one more map."""
        group = next(size for size in range(stddev_group, 0, -1) if len(x) % size == 0)
        parts = x.float().reshape(group, -1, *x.shape[1:])
        spread = (parts.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        extra = spread.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, extra.to(x.dtype)], 1)

    return Mapping(), Synthesis(), Critic()


GAMES = {
    "stylegan": Game(
        family="stylegan",
        arguments={
            "image_shape": (32, 32, 3),
            "latent_dim": 128,
            "style_dim": 128,
            "filters": 32,
            "max_filters": 128,
            "mapping_layers": 8,
            "mixing": 0.9,
            "stddev_group": 4,
            "start_side": 32,
        },
        smoke={"latent_dim": 8, "style_dim": 8, "filters": 4, "max_filters": 8},
        batch=32,
        adam={"learning_rate": 1e-3, "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8},
        data=data,
        bare=bare,
        pytorch=pytorch,
        d_passes=11,
    )
}
