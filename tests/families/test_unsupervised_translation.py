import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.unsupervised_translation import UnsupervisedTranslation
from tfgan_zoo.networks import languages

COLOURS, THINGS, DEEDS = ("red", "green", "blue"), ("cat", "dog", "cow"), ("sits", "runs", "eats")
OF_X = (*COLOURS, *THINGS, *DEEDS)
OF_Y = tuple(word[::-1] for word in OF_X)  # the other language


def lines(words):
    return tuple(f"{word} {word[::-1]}" for word in words)


def small(**arguments):
    words = {"vocabulary_x": OF_X, "vocabulary_y": OF_Y, "text_length": 4}
    sizes = {"units": 6, "depth": 1, "discriminator_units": 5}
    return UnsupervisedTranslation(**{**words, **sizes, **arguments})


def batch_of(model, count=6):
    return {key: tf.constant(value) for key, value in contracts.batch_for(model, count).items()}


def test_words_that_the_dictionary_lacks_are_found_out():
    """It knows no deed; each thing has its own, which the restoring of sentences from their translations teaches."""
    random = np.random.default_rng(0)
    colours, things = random.integers(3, size=(2, 256))
    texts = np.stack([2 + colours, 5 + things, 8 + things, np.zeros(256, int)], axis=1).astype(np.int32)
    known = (*COLOURS, *THINGS)
    yx = tuple(f"{word[::-1]} {word}" for word in known)
    model = small(dictionary_xy=lines(known), dictionary_yx=yx, units=24, word_reach=1, discriminator_units=16)
    model.compile({"translator": keras.optimizers.Adam(0.01)})
    data = tf.data.Dataset.from_tensor_slices({"x": texts[:128], "y": texts[128:]}).repeat().batch(32)
    model.fit(data, steps_per_epoch=120, verbose=0)
    asked = ["green cow eats", "blue cat sits", "red dog runs"]
    x, y = model.element_spec.values()

    def told(endpoint):
        return y.decode(model.sample(range(3), endpoint=endpoint, x=x.encode(asked)).numpy())

    assert told("word_by_word_xy") == ["neerg woc ?", "eulb tac ?", "der god ?"]
    assert told("translate_xy") == ["neerg woc stae", "eulb tac stis", "der god snur"]


def test_noise_drops_words_and_moves_them_a_little():
    text = np.zeros((500, 12), np.int32)
    text[:, :10] = np.arange(2, 12)
    text[0, 1:] = 0
    draw = np.random.default_rng(0).random
    moved = languages.noisy(text, draw(text.shape), draw(text.shape).astype("float32"), 0.0, 3).numpy()
    np.testing.assert_array_equal(np.sort(moved[1:, :10]), text[1:, :10])  # all are there, and none behind the end
    reach = np.abs(moved[1:, :10] - np.arange(2, 12))
    assert reach.max() == 3 and moved[0].tolist() == text[0].tolist()
    forgotten = draw(text.shape).astype("float32")
    dropped = languages.noisy(text, forgotten, np.zeros(text.shape, "float32"), 0.3, 3).numpy()
    for row, source, level in zip(dropped[1:50], text[1:50], forgotten[1:50], strict=True):
        kept = source[(source > 0) & (level >= 0.3)]
        np.testing.assert_array_equal(row, np.pad(kept, (0, 12 - len(kept))))  # in their order, then the end
    forgotten[0] = 0.1
    assert languages.noisy(text, forgotten, forgotten, 0.3, 3).numpy()[0].tolist() == text[0].tolist()  # one stays
    same = languages.noisy(text, forgotten, draw(text.shape).astype("float32"), 0.0, 0).numpy()
    np.testing.assert_array_equal(same, text)


def test_losses_are_those_of_the_equations():
    model = small(smoothing=0.2, auto_weight=2.0, cross_weight=3.0, adversary_weight=5.0, word_drop=0.0, word_reach=0)
    contracts.enliven(model)
    batch = batch_of(model)
    model.noise.begin()
    states, known = model.fake(batch)
    each = np.where(known.numpy()[:12], model.discriminator(states[:12]).numpy()[..., 0].astype(float), 0)
    p = 1 / (1 + np.exp(-each.sum(axis=1)))  # the product of what single states tell, as a share
    of_x, of_y = p[:6], p[6:]
    loss, _ = model.discriminator_loss(batch, (states, known))
    right = -np.log(of_x).mean() - np.log(1 - of_y).mean()
    wrong = -np.log(1 - of_x).mean() - np.log(of_y).mean()
    assert float(loss) == pytest.approx(0.8 * right + 0.2 * wrong, rel=1e-4)
    # Without noise, the autoencoder's x is what the network makes of two equal texts.
    layer, x = model.translator.get_layer("translator"), batch["x"].numpy()
    seen = layer.numbered(batch["x"], 0)
    logits = layer.choices[0](layer.decode(*layer.encode(seen), seen, 0)).numpy().astype(float)
    costs = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, x[..., None], 2)[..., 0]
    assert (x[:, :-1] > 0).all()  # made-up texts have no end within
    own = float(layer.costs(*layer.encode(seen), [batch["x"]], (0,))[0])
    assert own == pytest.approx(costs.sum(axis=1).mean(), rel=1e-4)
    loss, terms = model.translator_loss(batch, (states, known))
    assert float(terms["deceive"]) == pytest.approx(wrong, rel=1e-4)
    parts = [float(terms[name]) for name in ("auto", "cross", "deceive")]
    assert float(loss) == pytest.approx(np.dot((2, 3, 5), parts), rel=1e-5)
    both = layer.costs(*layer.encode_all([batch["x"], batch["y"]], (0, 1)), [batch["x"], batch["y"]], (0, 1))
    assert parts[0] == pytest.approx(float(both[0] + both[1]), rel=1e-4) and float(both[0]) == pytest.approx(own)


def test_what_is_behind_the_end_is_not_seen():
    model = small()
    contracts.enliven(model)
    layer = model.translator.get_layer("translator")
    short, other = tf.constant([[2, 3, 0, 0]]), tf.constant([[2, 3, 0, 0], [4, 5, 6, 7]])
    alone, known = layer.encode(short)
    together, _ = layer.encode(other)
    np.testing.assert_allclose(alone[0, :2], together[0, :2], rtol=1e-5)
    spoilt = tf.where(known[..., None], alone, 9.0)
    np.testing.assert_allclose(layer.decode(spoilt, known, short, 0), layer.decode(alone, known, short, 0), rtol=1e-5)
    logits = layer.choices[0](layer.decode(alone, known, short, 0))
    end = [float(layer.cost(layer.decode(alone, known, short, 0), short, 0))]
    costs = keras.losses.sparse_categorical_crossentropy(short, logits, from_logits=True).numpy()
    assert end[0] == pytest.approx(costs[0, :3].sum(), rel=1e-5)  # the end itself counts


def test_writing_takes_the_likeliest_words():
    model = small(depth=2)
    contracts.enliven(model)
    layer, text = model.translator.get_layer("translator"), batch_of(model)["x"]
    states, known = layer.encode(layer.numbered(text, 0))
    made = layer.write(states, known, 1)
    logits = layer.choices[1](layer.decode(states, known, layer.numbered(made, 1), 1)).numpy()
    for row, best in zip(made.numpy(), logits.argmax(-1), strict=True):
        length = int((row > 0).sum())
        np.testing.assert_array_equal(row[: length + 1], best[: length + 1])
        assert (row[length:] == 0).all()


def test_an_iteration_translates_by_the_model_of_the_one_before():
    model = small(word_drop=0.0, word_reach=0, dictionary_xy=lines(OF_X))
    contracts.enliven(model)
    batch, layer = batch_of(model), model.translator.get_layer("translator")
    x = batch["x"]
    model.noise.begin()
    first, _ = model.fake(batch)
    words, _ = layer.encode(layer.numbered(x, 1))  # the dictionary turns each word into its neighbour of equal number
    np.testing.assert_allclose(first[12:18], words, rtol=1e-4, atol=1e-6)
    model.enter(model.phases[1])
    before = model.translator_before.get_weights()
    for mine, kept in zip(model.translator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, kept)
    made = languages.translation(model.translator, x, 0)
    for weight in model.translator.trainable_weights:
        weight.assign(weight * 0.5)
    states, _ = model.fake(batch)
    expected, _ = layer.encode(layer.numbered(made, 1))
    np.testing.assert_allclose(states[12:18], expected, rtol=1e-4, atol=1e-6)


def test_words_of_the_dictionary_begin_alike():
    model = small(dictionary_yx=("tac cat",), vocabulary_y=("tac", "red", "new"))
    assert model.tables[1].tolist() == [0, 1, 5, 2, 1]  # "red" is a word of both, "new" of neither
    vectors = model.translator.get_layer("translator").words.get_weights()[0]
    np.testing.assert_array_equal(vectors[11 + 2], vectors[5])
    np.testing.assert_array_equal(vectors[11 + 3], vectors[2])
    assert np.abs(vectors[11 + 4] - vectors[1]).max() > 0
