"""Adversarial losses: pure functions of discriminator outputs that return the mean over the batch as a scalar.

Logits and scores are float tensors (batch, ...) of any range. The base class divides by replicas; these do not.
Losses that compare examples with each other (relativistic average, softmax) see the examples of all replicas.
"""

import dataclasses
from collections.abc import Callable

from keras import ops

from tfgan_zoo.batches import of_all_replicas


def called_real(logits):
    """-E[log D(x)] with D = sigmoid(logits): small where the discriminator calls its input real."""
    return ops.mean(ops.softplus(-logits))


def called_fake(logits):
    """-E[log(1 - D(x))] with D = sigmoid(logits): small where the discriminator calls its input made up."""
    return ops.mean(ops.softplus(logits))


def minimax_discriminator(real_logits, fake_logits):
    """-E[log D(x)] - E[log(1 - D(G(z)))] with D = sigmoid(logits). Goodfellow et al. 2014, eq. 1."""
    return called_real(real_logits) + called_fake(fake_logits)


def minimax_generator(fake_logits):
    """E[log(1 - D(G(z)))]: the two-player game's own. Saturates where D wins. Goodfellow et al. 2014, eq. 1."""
    return -called_fake(fake_logits)


def non_saturating_generator(fake_logits):
    """-E[log D(G(z))]: the same fixed point with stronger gradients early on. Goodfellow et al. 2014, section 3."""
    return called_real(fake_logits)


def wasserstein_critic(real_scores, fake_scores):
    """E[D(G(z))] - E[D(x)]. Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2."""
    return ops.mean(fake_scores) - ops.mean(real_scores)


def wasserstein_generator(fake_scores):
    """-E[D(G(z))]. Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875."""
    return -ops.mean(fake_scores)


def hinge_discriminator(real_scores, fake_scores):
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]. Lim, Ye 2017, https://arxiv.org/abs/1705.02894."""
    return ops.mean(ops.relu(1.0 - real_scores)) + ops.mean(ops.relu(1.0 + fake_scores))


def hinge(scores, label):
    """E[max(0, 1 - label D(x))]: label 1 for what is to count as real, -1 as made up; nothing beyond the margin counts.

    Li, Wand 2016, https://arxiv.org/abs/1604.04382, eq. 2.
    """
    return ops.mean(ops.relu(1.0 - label * scores))


def relativistic(scores, others):
    """-E[log sigmoid(D(a) - D(b))]: the discriminator is to score each a above its partner b.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, section 4.1: a real and b made up for the discriminator,
    the other way round for the generator.
    """
    return called_real(scores - others)


def relativistic_average(scores, others):
    """-E[log sigmoid(D(a) - E[D(b)])] - E[log(1 - sigmoid(D(b) - E[D(a)]))]: as `relativistic`, against averages.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734, eq. 6 and 7.
    """
    scores, others = of_all_replicas(scores), of_all_replicas(others)
    return called_real(scores - ops.mean(others)) + called_fake(others - ops.mean(scores))


def softmax_discriminator(real_scores, fake_scores):
    """-E[D(x)] + log Z with Z = sum of exp D over real and made-up examples: real ones are to share all of the mass.

    Lin 2017, https://arxiv.org/abs/1704.06191, eq. 1, with D = -mu.
    """
    real_scores, fake_scores = of_all_replicas(real_scores), of_all_replicas(fake_scores)
    return _log_sum(real_scores, fake_scores) - ops.mean(real_scores)


def softmax_generator(real_scores, fake_scores):
    """-E[D] over real and made-up examples + log Z: all are to share the mass alike. Lin 2017, eq. 2."""
    real_scores, fake_scores = of_all_replicas(real_scores), of_all_replicas(fake_scores)
    return _log_sum(real_scores, fake_scores) - (ops.mean(real_scores) + ops.mean(fake_scores)) / 2


def boundary_seeking(fake_logits):
    """E[(log D(G(z)) - log(1 - D(G(z))))^2] / 2, the squared logit: G goes where D cannot tell.

    Hjelm et al. 2018, https://arxiv.org/abs/1702.08431, eq. 10, for continuous data.
    """
    return ops.mean(ops.square(fake_logits)) / 2


def _log_sum(*scores):
    return ops.logsumexp(ops.concatenate([ops.reshape(each, (-1,)) for each in scores]))


def least_squares(scores, target):
    """E[(D(x) - target)^2]: target 1 for what is to count as real, 0 as made up. Mao et al. 2017, eq. 2.

    https://arxiv.org/abs/1611.04076
    """
    return ops.mean(ops.square(scores - target))


def absolute_error(one, other):
    """E[|one - other|], over all their numbers."""
    return ops.mean(ops.abs(one - other))


def gradient_difference(one, other):
    """E[||one's steps| - |other's steps||], steps from pixels to those below, and to those beside them, summed.

    images (n, height, width, channels). Mathieu et al. 2016, https://arxiv.org/abs/1511.05440, eq. 6, alpha = 1.
    """

    def steps(images):
        return ops.abs(images[:, 1:] - images[:, :-1]), ops.abs(images[:, :, 1:] - images[:, :, :-1])

    return sum(absolute_error(a, b) for a, b in zip(steps(one), steps(other), strict=True))


def products(maps):
    """Each channel times each other, the mean over positions divided by the channels: float (n, channels, channels).

    Gram matrices, which tell a texture but not where it is. maps (n, height, width, channels). Gatys et al. 2016,
    https://arxiv.org/abs/1508.06576, with the factor of Liu et al. 2018.
    """
    _, height, width, channels = ops.shape(maps)
    numbers = ops.cast(height * width * channels, maps.dtype)
    return ops.einsum("nhwc,nhwd->ncd", maps, maps) / numbers


def variation(images, part):
    """E[|x - its right neighbour|] + E[|x - its lower neighbour|] of what lies in a part or next to it; 0 elsewhere.

    images (n, height, width, channels), part (n, height, width, 1) of 0 and 1. Liu et al. 2018,
    https://arxiv.org/abs/1804.07723, eq. 6.
    """
    near = ops.max_pool(part, 3, 1, "same")
    down = near[:, 1:] * near[:, :-1] * ops.abs(images[:, 1:] - images[:, :-1])
    right = near[:, :, 1:] * near[:, :, :-1] * ops.abs(images[:, :, 1:] - images[:, :, :-1])
    return ops.mean(down) + ops.mean(right)


def squared_distance(one, other):
    """E[||one - other||^2], summed over an example's numbers: twice -E[log N(one; other, I)], but for a constant."""
    return ops.mean(ops.sum(ops.square(one - other), axis=tuple(range(1, len(one.shape)))))


def divergence_from_normal(mean, log_variance):
    """E[KL(N(mean, diag(exp(log_variance))) || N(0, I))] of codes (batch, n), summed over their numbers.

    Kingma, Welling 2014, https://arxiv.org/abs/1312.6114, appendix B.
    """
    return ops.mean(ops.sum(ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance, axis=1)) / 2


def total_variation(images):
    """E[(x - right neighbour)^2] + E[(x - lower neighbour)^2] of images (batch, height, width, channels)."""
    right, down = images[:, :, 1:] - images[:, :, :-1], images[:, 1:] - images[:, :-1]
    return ops.mean(ops.square(right)) + ops.mean(ops.square(down))


def cross_entropy(logits, labels):
    """-E[log p(label)] with p = softmax(logits); logits (batch, classes), labels int (batch,)."""
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def contrastive(one, other, group, sharpness=10.0):
    """-E[log p(partner)] in both directions, p = softmax(sharpness a . b) over the rows of a group, summed.

    Codes (batch, n): row i of one belongs to row i of the other. A smaller batch is one group; rows that fill none are
    left out. Van den Oord et al. 2018, https://arxiv.org/abs/1807.03748, eq. 4.
    """
    count = ops.shape(one)[0]
    group = ops.minimum(group, count)
    one, other = (ops.reshape(x[: count // group * group], (-1, group, x.shape[-1])) for x in (one, other))
    likeness = sharpness * ops.matmul(one, ops.swapaxes(other, 1, 2))
    own = ops.broadcast_to(ops.arange(group), ops.shape(likeness)[:2])
    return cross_entropy(likeness, own) + cross_entropy(ops.swapaxes(likeness, 1, 2), own)


@dataclasses.dataclass(frozen=True)
class Loss:
    """A game of real against made up: what each player minimizes, both from (real scores, fake scores).

    `compares`: the generator's loss depends on the real scores too.
    """

    discriminator: Callable
    generator: Callable
    compares: bool = False


LOSSES = {
    "minimax": Loss(minimax_discriminator, lambda _, fake: minimax_generator(fake)),
    "non_saturating": Loss(minimax_discriminator, lambda _, fake: non_saturating_generator(fake)),
    "least_squares": Loss(
        lambda real, fake: (least_squares(real, 1) + least_squares(fake, 0)) / 2,
        lambda _, fake: least_squares(fake, 1) / 2,
    ),
    "pearson": Loss(  # Mao et al. 2017, section 3.2: E[D(G(z))^2] / 2 is the Pearson chi^2 divergence's
        lambda real, fake: (least_squares(real, 1) + least_squares(fake, -1)) / 2,
        lambda _, fake: least_squares(fake, 0) / 2,
    ),
    "wasserstein": Loss(wasserstein_critic, lambda _, fake: wasserstein_generator(fake)),
    "hinge": Loss(hinge_discriminator, lambda _, fake: wasserstein_generator(fake)),
    "relativistic": Loss(relativistic, lambda real, fake: relativistic(fake, real), compares=True),
    "relativistic_average": Loss(
        relativistic_average, lambda real, fake: relativistic_average(fake, real), compares=True
    ),
    "softmax": Loss(softmax_discriminator, softmax_generator, compares=True),
    "boundary_seeking": Loss(minimax_discriminator, lambda _, fake: boundary_seeking(fake)),
}
