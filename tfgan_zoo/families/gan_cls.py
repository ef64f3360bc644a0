"""GAN-CLS: pictures from sentences, judged together with them.

Reed, Akata, Yan, Logeswaran, Schiele, Lee 2016: Generative Adversarial Text to Image Synthesis.
https://arxiv.org/abs/1605.05396
"""

from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.augment import augment, names_of
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Image, Points, Text
from tfgan_zoo.networks import captions
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import ImageShape, Positive, Weight


class GANCLS(AdversarialModel):
    """First a text and a picture encoder learn to match pairs; then a GAN draws from the frozen text codes.

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
        group: rows within which pairs are told apart while matching; rows that fill none are left out.
        augment: names in `augment.TRANSFORMS`, with commas: all pictures that D sees are changed so. Not in the paper.
    """

    phases = (Phase("match", 3000), Phase("draw"))
    from_data = ("vocabulary",)
    makers = ("generator",)  # the networks that make a picture of a text's code ...
    noises = (("z", "latent_dim"),)  # ... and of noise: its names, and the arguments with their lengths
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
        augment: str = "",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.vocabulary, self.text_length = tuple(vocabulary), text_length
        self.latent_dim, self.code_dim, self.text_dim = latent_dim, code_dim, text_dim
        self.filters = filters
        self.mismatched_weight, self.interpolation_weight = mismatched_weight, interpolation_weight
        self.group = group
        self.augment = ",".join(names_of(augment))
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "text": Text((self.text_length,), self.vocabulary)}

    @property
    def endpoints(self):
        image, text = self.element_spec.values()
        inputs = {name: Noise((getattr(self, size),)) for name, size in self.noises} | {"text": text}
        made, codes = ("text_encoder", *self.makers), Points((2 * self.code_dim,))
        return {
            "generate": Endpoint(inputs, image, made, target="image"),
            "blend": Endpoint({**inputs, "other": text, "share": Points((1,))}, image, made),
            "embed_text": Endpoint({"text": text}, Points((self.code_dim,)), ("text_encoder",)),
            "embed_image": Endpoint({"image": image}, Points((self.code_dim,)), ("image_encoder",)),
            "match": Endpoint(inputs, codes, (*made, "image_encoder"), exported=False),
            "match_data": Endpoint(self.element_spec, codes, ("text_encoder", "image_encoder"), exported=False),
        }

    def picture(self, code, inputs):
        return super().generate(inputs | {"code": code})

    def generate(self, inputs):
        """Endpoint: noise and a text -> a picture."""
        return self.picture(self.embed_text(inputs), inputs)

    def blend(self, inputs):
        """Endpoint: a picture of what lies between two texts; `share` 0 is the first, 1 the other."""
        one, other = self.embed_text(inputs), self.embed_text({"text": inputs["other"]})
        return self.picture(one + inputs["share"] * (other - one), inputs)

    def embed_text(self, inputs):
        """Endpoint: a text -> its code, of length 1; the codes of fitting pictures have a large product with it."""
        return self.feed(self.text_encoder, inputs, training=False)

    def embed_image(self, inputs):
        """Endpoint: a picture -> its code, of length 1."""
        return self.feed(self.image_encoder, inputs, training=False)

    def match(self, inputs):
        """Endpoint: a text's code and, behind it, that of the picture made of it; `retrieval` asks if they fit."""
        return self.match_data(inputs | {"image": self.generate(inputs)})

    def match_data(self, inputs):
        """Endpoint: the codes of a text and of a picture, one behind the other."""
        return ops.concatenate([self.embed_text(inputs), self.embed_image(inputs)], axis=-1)

    def encoder_loss(self, batch, fake):
        """Among the rows of a group, each picture must name its text and each text its picture."""
        return losses.contrastive(self.feed(self.image_encoder, batch), self.feed(self.text_encoder, batch), self.group)

    def fake(self, batch):
        if self.phase == "match":
            return None
        code = self.embed_text(batch)
        return code, self.draw(code)

    def draw(self, code):
        return self.feed(self.generator, self.latents(ops.shape(code)[0]) | {"code": code})

    def judge(self, image, code):
        return self.feed(self.discriminator, {"image": augment(image, self.noise, self.augment), "code": code})

    def discriminator_loss(self, batch, fake):
        """Real pictures with their text are real; real pictures with another text, and drawn ones, are not."""
        code, drawn = fake
        right = losses.called_real(self.judge(batch["image"], code))
        wrong = losses.called_fake(self.judge(batch["image"], captions.neighbours(code)))
        return right + self.mismatched_weight * (wrong + losses.called_fake(self.judge(drawn, code)))

    def generator_loss(self, batch, fake):
        code, drawn = fake
        loss = losses.called_real(self.judge(drawn, code))
        if self.interpolation_weight:
            between = (code + captions.neighbours(code)) / 2
            loss += self.interpolation_weight * losses.called_real(self.judge(self.draw(between), between))
        return loss

    def build_networks(self):
        return captions.networks(self)
