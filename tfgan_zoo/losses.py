"""Adversarial losses: pure functions of discriminator outputs that return the mean over the batch as a scalar.

Logits and scores are float tensors (batch, ...) of any range. The base class divides by replicas; these do not.
"""

from keras import ops


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


def least_squares(scores, target):
    """E[(D(x) - target)^2]: target 1 for what is to count as real, 0 as made up. Mao et al. 2017, eq. 2.

    https://arxiv.org/abs/1611.04076
    """
    return ops.mean(ops.square(scores - target))


def absolute_error(one, other):
    """E[|one - other|], over all their numbers."""
    return ops.mean(ops.abs(one - other))


def cross_entropy(logits, labels):
    """-E[log p(label)] with p = softmax(logits); logits (batch, classes), labels int (batch,)."""
    return ops.mean(ops.sparse_categorical_crossentropy(labels, logits, from_logits=True))
