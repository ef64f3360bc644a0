"""Penalties on a network's gradients and weights: scalars, differentiable a second time."""

from collections.abc import Callable, Iterable

import tensorflow as tf

from tfgan_zoo.batches import of_all_replicas


def gradient_norms(judge: Callable, x: tf.Tensor, squared: bool = False) -> tf.Tensor:
    """||grad D(x)||_2 of each example, float32 (batch,).

    Args:
        judge: maps (batch, ...) to scores (batch, ...).
        x: float (batch, ...).
        squared: whether to leave the root out, which has no gradient at 0.
    """
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = judge(x)
    gradients = tf.cast(tape.gradient(scores, x), tf.float32)
    squares = tf.reduce_sum(tf.square(gradients), axis=range(1, len(gradients.shape)))
    return squares if squared else tf.sqrt(squares + 1e-12)


def between(real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """epsilon x + (1 - epsilon) x_fake, with epsilon from U(0, 1) for each example: (batch, 1, ...)."""
    return epsilon * real + (1.0 - epsilon) * fake


def gradient_penalty(critic: Callable, real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """E[(||grad D(x_hat)||_2 - 1)^2] at x_hat = epsilon x + (1 - epsilon) x_fake.

    Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, eq. 3 without its weight.

    Args:
        critic: maps (batch, ...) to scores (batch, 1).
        real, fake: float (batch, ...), alike in shape.
        epsilon: U(0, 1), one per example: (batch, 1, ...).
    """
    return tf.reduce_mean(tf.square(gradient_norms(critic, between(real, fake, epsilon)) - 1.0))


def one_sided(critic: Callable, real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """E[max(0, ||grad D(x_hat)||_2 - 1)^2]: slopes below 1 are free.

    Petzka et al. 2018, https://arxiv.org/abs/1709.08894, eq. 7. Arguments as `gradient_penalty`.
    """
    return tf.reduce_mean(tf.square(tf.nn.relu(gradient_norms(critic, between(real, fake, epsilon)) - 1.0)))


def zero_centred(judge: Callable, x: tf.Tensor) -> tf.Tensor:
    """E[||grad D(x)||_2^2] / 2: R1 where x are real, R2 where they are made up, without the weight gamma.

    Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, eq. 9 and 10.
    """
    return tf.reduce_mean(gradient_norms(judge, x, squared=True)) / 2


def dragan(judge: Callable, real: tf.Tensor, noise: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """E[(||grad D(x_hat)||_2 - 1)^2] around the real data: x_hat = x + epsilon * 0.5 * std(x) * noise.

    Kodali et al. 2017, https://arxiv.org/abs/1705.07215, as the authors' code perturbs. std(x) is that of all numbers
    of the batch.

    Args:
        noise: U(0, 1), of the shape of `real`.
        epsilon: U(0, 1), one per example: (batch, 1, ...).
    """
    near = real + epsilon * 0.5 * tf.math.reduce_std(of_all_replicas(real)) * noise
    return tf.reduce_mean(tf.square(gradient_norms(judge, near) - 1.0))


def wgan_div(critic: Callable, real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """E[||grad D(x_hat)||_2^6] between real and made-up data, without its weight k = 2.

    Wu et al. 2018, https://arxiv.org/abs/1712.01026, eq. 7 with p = 6. Arguments as `gradient_penalty`.
    """
    return tf.reduce_mean(gradient_norms(critic, between(real, fake, epsilon), squared=True) ** 3)


def drift(real_scores) -> tf.Tensor:
    """E[D(x)^2], which keeps scores near 0. Karras et al. 2018, https://arxiv.org/abs/1710.10196, appendix A.1."""
    return tf.reduce_mean(tf.square(real_scores))


def lecam(real_scores, fake_scores, real_anchor, fake_anchor) -> tf.Tensor:
    """E[(D(x) - a_fake)^2] + E[(D(G(z)) - a_real)^2]; the anchors are moving averages of E[D(x)] and E[D(G(z))].

    Tseng et al. 2021, https://arxiv.org/abs/2104.03310, eq. 3.
    """
    return tf.reduce_mean(tf.square(real_scores - fake_anchor)) + tf.reduce_mean(tf.square(fake_scores - real_anchor))


def l2(variables: Iterable[tf.Variable]) -> tf.Tensor:
    """Half the sum of squares of all weights, whose gradient is the weights themselves: weight decay's classic form."""
    return tf.add_n([tf.reduce_sum(tf.square(variable)) for variable in variables]) / 2


def orthogonal(kernels: Iterable[tf.Variable]) -> tf.Tensor:
    """Sum of ||W^T W (1 - I)||^2 over kernels as matrices (inputs, outputs): filters are to stand apart.

    Brock et al. 2019, https://arxiv.org/abs/1809.11096, eq. 3, without its weight.
    """
    total = 0.0
    for kernel in kernels:
        matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
        products = tf.matmul(matrix, matrix, transpose_a=True)
        total += tf.reduce_sum(tf.square(products - tf.linalg.diag(tf.linalg.diag_part(products))))
    return total


# {name: penalty(judge, real, fake, noise)}, with the random numbers of a model's noise stream.
PENALTIES = {
    "gradient_penalty": lambda judge, real, fake, noise: gradient_penalty(judge, real, fake, noise.per_row(real)),
    "one_sided": lambda judge, real, fake, noise: one_sided(judge, real, fake, noise.per_row(real)),
    "r1": lambda judge, real, fake, noise: zero_centred(judge, real),
    "r2": lambda judge, real, fake, noise: zero_centred(judge, fake),
    "dragan": lambda judge, real, fake, noise: dragan(judge, real, noise.per_number(real), noise.per_row(real)),
    "wgan_div": lambda judge, real, fake, noise: wgan_div(judge, real, fake, noise.per_row(real)),
}
