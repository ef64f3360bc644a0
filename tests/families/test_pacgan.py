import numpy as np

from tfgan_zoo.families.pacgan import PacGAN


def test_a_pack_is_neighbouring_rows_side_by_side():
    points = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.testing.assert_array_equal(PacGAN((2,), packing=3, latent_dim=2, units=4).packed(points), points.reshape(2, 6))
    pictures = np.random.default_rng(0).normal(size=(5, 12, 12, 3)).astype(np.float32)
    packs = PacGAN((12, 12, 3), packing=2, latent_dim=4).packed(pictures)
    assert packs.shape == (2, 12, 12, 6)  # the fifth row has no partner
    np.testing.assert_array_equal(packs[1], np.concatenate([pictures[2], pictures[3]], axis=-1))


def test_the_sizes_are_the_authors():
    model = PacGAN((2,), packing=1, latent_dim=2)
    assert [model.generator.count_params(), model.discriminator.count_params()] == [488_002, 405_201]
    model = PacGAN((28, 28, 3), packing=1)
    assert [model.generator.count_params(), model.discriminator.count_params()] == [288_115, 613]


def test_only_the_discriminators_first_layer_grows():
    one, two = (PacGAN((28, 28, 3), packing=packing) for packing in (1, 2))
    assert [w.shape for w in one.generator.weights] == [w.shape for w in two.generator.weights]
    differing = [(a.shape, b.shape) for a, b in zip(one.discriminator.weights, two.discriminator.weights)
                 if a.shape != b.shape]  # fmt: skip
    assert differing == [((3, 3, 3, 2), (3, 3, 6, 2))]


def test_a_pack_shows_what_its_samples_do_not():
    """Points that are always equal within a pack, among data that never are: single samples look alike in both."""
    model = PacGAN((2,), packing=2, latent_dim=2, units=64)
    model.compile("adam")
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 256)
    real = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    import tensorflow as tf

    for _ in range(150):
        alone = real[random.integers(0, len(real), 64)]
        fake = tf.constant(np.repeat(alone[:32], 2, axis=0))
        with tf.GradientTape() as tape:
            loss = model.discriminator_loss({"point": tf.constant(alone)}, fake)
        model.descend(model.players[0], tape, loss)
    assert float(loss) < 0.5  # blind guessing costs 2 log 2 = 1.39
