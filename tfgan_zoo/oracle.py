"""An oracle: a language model with random weights. It writes sentences, and knows how likely any sentence is.

Yu, Zhang, Wang, Yu 2017 (SeqGAN, https://arxiv.org/abs/1609.05473, section "Synthetic data experiments") train on what
an oracle has written and let it judge what is generated. Nothing here imports TensorFlow.
"""

import numpy as np

from tfgan_zoo.errors import ZooError

FIRST = 2  # the number of the first word; in texts 0 is what follows the end, and 1 an unknown word
BLOCK = 512  # sentences that are written or judged at once


class Oracle:
    """An LSTM whose weights are drawn from N(0, 1), and before which nothing has been read.

    Words have the numbers of the `Text` modality: 2 to `words` + 1.

    Args:
        seed: of the weights.
        words: how many words it knows.
        units: width of the embeddings and of the state.
    """

    def __init__(self, seed: int = 0, words: int = 5_000, units: int = 32):
        random = np.random.default_rng(seed)
        self.words, self.units = words, units
        draw = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
        self.embedding = draw(words + 1, units)  # the last row is what is read before the first word
        self.kernel, self.bias = draw(2 * units, 4 * units), draw(4 * units)
        self.output, self.output_bias = draw(units, words), draw(words)

    def write(self, uniform: np.ndarray) -> np.ndarray:
        """Sentences: each number chooses a word, by the share of probability that lies below it.

        Args:
            uniform: float (n, length) in [0, 1).

        Returns:
            int32 (n, length).
        """
        return np.concatenate([self._write(uniform[i : i + BLOCK]) for i in range(0, len(uniform), BLOCK)])

    def _write(self, uniform: np.ndarray) -> np.ndarray:
        state, word, written = None, np.full(len(uniform), self.words), []
        for level in uniform.T:
            logits, state = self._next(word, state)
            below = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
            word = (below <= (level * below[:, -1])[:, None]).sum(axis=1).clip(max=self.words - 1)
            written.append(word)
        return (np.stack(written, axis=1) + FIRST).astype(np.int32)

    def costs(self, texts: np.ndarray) -> np.ndarray:
        """What sentences cost: the mean over their places of -log p(word | words before it), in nats.

        A number that is no word of the oracle's, such as that of an end, costs as much as the least likely word.

        Args:
            texts: int (n, length).

        Returns:
            float64 (n,).
        """
        return np.concatenate([self._costs(np.asarray(texts[i : i + BLOCK])) for i in range(0, len(texts), BLOCK)])

    def _costs(self, texts: np.ndarray) -> np.ndarray:
        state, word, total = None, np.full(len(texts), self.words), np.zeros(len(texts))
        rows = np.arange(len(texts))
        for wanted in texts.T.astype(np.int64) - FIRST:
            logits, state = self._next(word, state)
            known = (wanted >= 0) & (wanted < self.words)
            word = np.where(known, wanted, self.words)
            chosen = np.where(known, logits[rows, np.where(known, wanted, 0)], logits.min(axis=1))
            most = logits.max(axis=1)
            total += most + np.log(np.exp(logits - most[:, None]).sum(axis=1)) - chosen
        return total / texts.shape[1]

    def _next(self, word: np.ndarray, state: tuple[np.ndarray, np.ndarray] | None):
        """Read a word (n,): (logits of the next one (n, words), the state after it)."""
        hidden, cell = state or (np.zeros((len(word), self.units), np.float32),) * 2
        gates = np.concatenate([self.embedding[word], hidden], axis=1) @ self.kernel + self.bias
        keep, take, show = (1 / (1 + np.exp(-gate)) for gate in np.split(gates[:, : 3 * self.units], 3, axis=1))
        cell = keep * cell + take * np.tanh(gates[:, 3 * self.units :])
        hidden = show * np.tanh(cell)
        return hidden @ self.output + self.output_bias, (hidden, cell)


def of(facts: dict[str, int]) -> Oracle:
    """The oracle that data tell of: `seed`, `words`, `units`. Raises ZooError for other facts."""
    try:
        return Oracle(**facts)
    except TypeError:
        raise ZooError(
            f"oracle {facts!r}: give its seed, words and units, such as {{ seed = 0, words = 500 }}."
        ) from None
