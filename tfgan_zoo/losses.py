"""Adversarial losses: pure functions of discriminator outputs that return the mean over the batch as a scalar.

Logits and scores are float tensors (batch, ...) of any range. The base class divides by replicas; these do not.
"""

from keras import ops


def minimax_discriminator(real_logits, fake_logits):
    """-E[log D(x)] - E[log(1 - D(G(z)))] with D = sigmoid(logits). Goodfellow et al. 2014, eq. 1."""
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def minimax_generator(fake_logits):
    """E[log(1 - D(G(z)))]: the two-player game's own. Saturates where D wins. Goodfellow et al. 2014, eq. 1."""
    return -ops.mean(ops.softplus(fake_logits))


def non_saturating_generator(fake_logits):
    """-E[log D(G(z))]: the same fixed point with stronger gradients early on. Goodfellow et al. 2014, section 3."""
    return ops.mean(ops.softplus(-fake_logits))


def wasserstein_critic(real_scores, fake_scores):
    """E[D(G(z))] - E[D(x)]. Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2."""
    return ops.mean(fake_scores) - ops.mean(real_scores)


def wasserstein_generator(fake_scores):
    """-E[D(G(z))]. Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875."""
    return -ops.mean(fake_scores)
