"""SeqGAN: sentences by a policy that the discriminator rewards.

Yu, Zhang, Wang, Yu 2017: SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient.
https://arxiv.org/abs/1609.05473

    imitate    min_G  -E[log G(x_t | x_<t)]                             likelihood of the data
    judge      min_D  -E[log D(x)] - E[log(1 - D(y))]                   y ~ G
    play       the same for D, and max_G  E[sum_t log G(y_t | y_<t) Q_t]
               Q_t = mean of D over continuations of y_1 ... y_t by G (roll-outs); Q_T = D(y)
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.batches import batch_size
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Points, Text
from tfgan_zoo.networks import sentences
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, Positive, Weight

writer_adam = partial(keras.optimizers.Adam, 1e-2, global_clipnorm=5.0)
judge_adam = partial(keras.optimizers.Adam, 1e-4)


class SeqGAN(AdversarialModel):
    """Words are no numbers that gradients pass through: the generator is told afterwards how good each choice was.

    Roll-outs are by the averaged generator where `ema_decay` keeps one (0.8 in the authors' code).

    Args:
        vocabulary: the words that texts are made of; the data say them where they are left out.
        text_length: T, words of a text.
        units: of the generator's LSTM, and width of a word in it.
        rollouts: N, continuations that each choice is judged by.
        filter_sizes: words in a row that the discriminator's filters see.
        filters: how many there are of each size.
        discriminator_dim: width of a word in the discriminator.
        dropout: share of the filters' answers that the discriminator drops in training.
        l2_weight: of the squared weights of the discriminator's last layer.
        discriminator_steps: discriminator updates per generator update, each on new texts of both kinds.
    """

    phases = (Phase("imitate", 9_400), Phase("judge", 2_000), Phase("play"))
    from_data = ("vocabulary",)

    def __init__(
        self,
        vocabulary: tuple[str, ...] = (),
        text_length: Positive = 20,
        units: Positive = 32,
        rollouts: Positive = 16,
        filter_sizes: tuple[Positive, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20),
        filters: tuple[Positive, ...] = (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160),
        discriminator_dim: Positive = 64,
        dropout: Fraction = 0.25,
        l2_weight: Weight = 0.2,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary = tuple(vocabulary)
        self.text_length = text_length
        self.units = units
        self.rollouts = rollouts
        self.filter_sizes = tuple(filter_sizes)
        self.filters = tuple(filters)
        self.discriminator_dim = discriminator_dim
        self.dropout = dropout
        self.l2_weight = l2_weight
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("imitator", networks=("generator",), optimizer=writer_adam, phases=("imitate",)),
            Player("discriminator", steps=discriminator_steps, optimizer=judge_adam, phases=("judge", "play")),
            Player("generator", optimizer=writer_adam, phases=("play",)),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"text": Text((self.text_length,), self.vocabulary)}

    @property
    def endpoints(self):
        text, levels = self.element_spec["text"], Noise((self.text_length,), 0.0, 1.0)
        return {
            "generate": Endpoint({"z": levels}, text, ("generator",), target="text"),
            "temper": Endpoint({"z": levels, "temperature": Points((1,))}, text, ("generator",)),
            "likelihood": Endpoint({"text": text}, Points((1,)), ("generator",)),
        }

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.text_length))}  # it chooses the words

    def generate(self, inputs):
        """Endpoint: noise -> a text."""
        return self.write(self.best("generator"), inputs["z"])

    def temper(self, inputs):
        """Endpoint: as `generate`, with logits divided by `temperature`: below 1 the likelier words, above 1 others."""
        return self.write(self.best("generator"), inputs["z"], temperature=ops.maximum(inputs["temperature"], 1e-3))

    def likelihood(self, inputs):
        """Endpoint: a text -> its mean cost in nats, -log p of a word given those before it."""
        costs = sentences.costs(self.feed(self.best("generator"), inputs, training=False), inputs["text"])
        words = ops.cast(sentences.places(inputs["text"]), "float32")
        return ops.sum(costs, axis=1, keepdims=True) / ops.sum(words, axis=1, keepdims=True)

    def write(self, network, levels, text=None, **how):
        text = ops.zeros_like(levels, "int32") if text is None else text
        return network.get_layer("language").write(text, levels=levels, **how)

    def fake(self, batch):
        return None if self.phase == "imitate" else self.write(self.generator, self.latents(batch_size(batch))["z"])

    def imitator_loss(self, batch, fake):
        return ops.mean(sentences.costs(self.feed(self.generator, batch), batch["text"]))

    def discriminator_loss(self, batch, fake):
        real, made = self.feed(self.discriminator, batch), self.feed(self.discriminator, {"text": fake})
        last = self.discriminator.get_layer("logit").trainable_weights
        return losses.minimax_discriminator(real, made) / 2 + self.l2_weight * penalties.l2(last)

    def generator_loss(self, batch, fake):
        rewards = ops.stop_gradient(self.rewards(fake))
        costs = sentences.costs(self.feed(self.generator, {"text": fake}), fake)
        # Adam does not care that the authors' code has the sum over batch and words, where the mean stands here.
        return ops.mean(costs * rewards), {"reward": ops.mean(rewards[:, -1])}

    def rewards(self, text):
        """Q of each word of texts (n, T): how real those seem that begin so; float32 (n, T)."""
        levels = self.noise.uniform((ops.shape(text)[0], self.rollouts, self.text_length - 1, self.text_length))
        return sentences.judged_beginnings(text, levels, partial(self.write, self.best("generator")), self.believed)

    def believed(self, text):
        """The discriminator's chance that texts are real: float32 (n, 1)."""
        return ops.sigmoid(self.feed(self.discriminator, {"text": text}, training=False))

    def build_networks(self):
        kind, sizes = self.element_spec["text"], (self.filter_sizes, self.filters)
        return {
            "generator": sentences.language_model(kind, self.units, self.units),
            "discriminator": sentences.judge(kind, self.discriminator_dim, *sizes, self.dropout),
        }
