"""GAN-CLS: pictures from sentences, judged together with them.

Reed, Akata, Yan, Logeswaran, Schiele, Lee 2016: Generative Adversarial Text to Image Synthesis.
https://arxiv.org/abs/1605.05396
"""

from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Image, Points, Text
from tfgan_zoo.networks import captions
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import ImageShape, Positive, Weight


class GANCLS(AdversarialModel):
    """First a text and a picture encoder learn to match pairs; then a GAN draws from the frozen text codes.

    The discriminator learns three things: real pictures with their text are real; real pictures with another text, and
    drawn ones, are not.

    Args:
        image_shape: (height, width, channels), float [-1, 1].
        vocabulary: the words that texts are made of; the data say them where they are left out.
        text_length: words of a text that are read.
        latent_dim: length of z, drawn from N(0, I).
        code_dim: length of the text code that the encoders share (1024 in the paper, from a network of characters).
        text_dim: length to which generator and discriminator compress it.
        filters: channels next to the image in both networks.
        mismatched_weight: weight of the wrong pairs and of the drawn ones in the discriminator's loss, 1/2 each.
        interpolation_weight: of the generator's loss on texts half-way between two (GAN-INT), 1/2 in the paper.
        group: rows within which pairs are told apart while matching; must divide a replica's batch.
    """

    phases = (Phase("match", 3000), Phase("draw"))
    from_data = ("vocabulary",)
    players = (
        Player("encoder", networks=("text_encoder", "image_encoder"), optimizer=adam, phases=("match",)),
        Player("discriminator", optimizer=adam, phases=("draw",)),
        Player("generator", optimizer=adam, phases=("draw",)),
    )

    def __init__(
        self,
        image_shape: ImageShape = (64, 64, 3),
        vocabulary: tuple[str, ...] = (),
        text_length: Positive = 12,
        latent_dim: Positive = 100,
        code_dim: Positive = 128,
        text_dim: Positive = 128,
        filters: Positive = 64,
        mismatched_weight: Weight = 0.5,
        interpolation_weight: Weight = 0.0,
        group: Positive = 16,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.vocabulary = tuple(vocabulary)
        self.text_length = text_length
        self.latent_dim = latent_dim
        self.code_dim = code_dim
        self.text_dim = text_dim
        self.filters = filters
        self.mismatched_weight = mismatched_weight
        self.interpolation_weight = interpolation_weight
        self.group = group
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "text": Text((self.text_length,), self.vocabulary)}

    @property
    def endpoints(self):
        image, text = self.element_spec.values()
        inputs, networks = {"z": Noise((self.latent_dim,)), "text": text}, ("text_encoder", "generator")
        return {
            "generate": Endpoint(inputs, image, networks, target="image"),
            "blend": Endpoint({**inputs, "other": text, "share": Points((1,))}, image, networks),
            "embed_text": Endpoint({"text": text}, Points((self.code_dim,)), ("text_encoder",)),
            "embed_image": Endpoint({"image": image}, Points((self.code_dim,)), ("image_encoder",)),
        }

    def generate(self, inputs):
        """Endpoint: noise and a text -> a picture."""
        return super().generate({"z": inputs["z"], "code": self.embed_text(inputs)})

    def blend(self, inputs):
        """Endpoint: a picture of what lies between two texts; `share` 0 is the first, 1 the other."""
        one, other = self.embed_text(inputs), self.embed_text({"text": inputs["other"]})
        return super().generate({"z": inputs["z"], "code": one + inputs["share"] * (other - one)})

    def embed_text(self, inputs):
        """Endpoint: a text -> its code, of length 1; the codes of fitting pictures have a large product with it."""
        return self.feed(self.text_encoder, inputs, training=False)

    def embed_image(self, inputs):
        """Endpoint: a picture -> its code, of length 1."""
        return self.feed(self.image_encoder, inputs, training=False)

    def encoder_loss(self, batch, fake):
        """Among the rows of a group, each picture must name its text and each text its picture."""
        codes = self.feed(self.image_encoder, batch), self.feed(self.text_encoder, batch)
        images, texts = (ops.reshape(code, (-1, self.group, self.code_dim)) for code in codes)
        likeness = 10.0 * ops.matmul(images, ops.swapaxes(texts, 1, 2))
        own = ops.broadcast_to(ops.arange(self.group), ops.shape(likeness)[:2])
        return losses.cross_entropy(likeness, own) + losses.cross_entropy(ops.swapaxes(likeness, 1, 2), own)

    def fake(self, batch):
        if self.phase == "match":
            return None
        code = self.embed_text(batch)
        return code, self.draw(code)

    def draw(self, code):
        return self.feed(self.generator, self.latents(ops.shape(code)[0]) | {"code": code})

    def judge(self, image, code):
        return self.feed(self.discriminator, {"image": image, "code": code})

    def discriminator_loss(self, batch, fake):
        code, drawn = fake
        right = losses.called_real(self.judge(batch["image"], code))
        wrong = losses.called_fake(self.judge(batch["image"], neighbours(code)))
        return right + self.mismatched_weight * (wrong + losses.called_fake(self.judge(drawn, code)))

    def generator_loss(self, batch, fake):
        code, drawn = fake
        loss = losses.called_real(self.judge(drawn, code))
        if self.interpolation_weight:
            between = (code + neighbours(code)) / 2
            loss += self.interpolation_weight * losses.called_real(self.judge(self.draw(between), between))
        return loss

    def build_networks(self):
        return captions.networks(self)


def neighbours(codes):
    """The code of each row's partner: rows 0 and 1 change places, rows 2 and 3 ... Nearly always a wrong text."""
    pairs = ops.reshape(codes, (-1, 2, codes.shape[-1]))
    return ops.reshape(pairs[:, ::-1], ops.shape(codes))
