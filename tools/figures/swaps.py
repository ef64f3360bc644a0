"""How well texts are restored from the codes of texts in which words have changed places.

    python -m tools.figures.swaps arae_multi30k_swaps runs/reproduce/arae_multi30k/seed-0 --data-dir D --out blends.txt

Zhao et al. 2018, section 6: k times, two neighbouring words of each held-out text change places; the code of what comes
out is decoded, and -log p of the text as it was is the cost, in nats a word. A plain autoencoder restores texts from
their own codes better (k = 0), a regularized one from those of changed texts. `--out` gets texts that lie between two
held-out ones, a line each.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, files, zoo
from tfgan_zoo.errors import ZooError
from tools.figures import measured

MOST = 4  # swaps
BLENDS, SHARES = 8, 6  # pairs of texts, and texts on the way from one to the other


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--num", default=1_000, show_default=True, type=click.IntRange(1), help="Held-out texts.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A text file for what the first run has between two texts."
)
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, num, out, data_dir):
    try:
        if out is not None:
            loaded = zoo.loaded(runs[0])
            files.write_text(out, between(loaded, held_out(loaded, 2 * BLENDS, data_dir)))
        what = {"figure": "swaps", "texts": num}
        click.echo(measured.write(name, what, runs, lambda run: costs(run, held_out(run, num, data_dir))))
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def held_out(loaded: zoo.Loaded, num: int, data_dir: str | None) -> np.ndarray:
    """The first texts of the test split: int32 (n, length). Raises ZooError for a model of other data."""
    if "restore_cost" not in loaded.model.endpoints or "text" not in loaded.model.element_spec:
        raise ZooError(f"{loaded.description}: restores no texts; give runs of arae_multi30k.")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    opened = source.open(loaded.model.element_spec, split="test")
    return opened.rows(range(min(num, opened.num_examples)))["text"]


def costs(loaded: zoo.Loaded, texts: np.ndarray) -> dict[str, float]:
    """{"cost after 0 swaps": nats a word, ...}."""
    words, found = np.minimum((texts > 0).sum(axis=1) + 1, texts.shape[1]), {}  # the end is one of them
    for count in range(MOST + 1):
        other = swapped(texts, count)
        told = loaded.model.sample(range(len(texts)), endpoint="restore_cost", text=texts, other=other).numpy()[:, 0]
        found[f"cost after {count} swaps"] = float((told * texts.shape[1]).sum() / words.sum())
    return found


def swapped(texts: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """The texts after `count` swaps of two neighbouring words of each; texts of one word stay."""
    random, made = np.random.default_rng(seed), texts.copy()
    for row in made:
        words = int((row > 0).sum())
        for _ in range(count if words > 1 else 0):
            place = random.integers(words - 1)
            row[[place, place + 1]] = row[[place + 1, place]]
    return made


def between(loaded: zoo.Loaded, texts: np.ndarray) -> str:
    """For each pair of texts (rows 0 and 1, 2 and 3 ...) the texts on the way between them, a line each."""
    blocks = []
    for one, other in texts[: len(texts) // 2 * 2].reshape(-1, 2, texts.shape[1]):
        shares = np.linspace(0, 1, SHARES, dtype=np.float32)[:, None]
        given = {"text": one, "other": other, "share": shares}
        made = loaded.model.sample(range(SHARES), endpoint="blend", **given).numpy()
        lines = loaded.model.element_spec["text"].decode(np.stack([one, *made, other]))
        blocks.append("\n".join([f"= {lines[0]}", *lines[1:-1], f"= {lines[-1]}"]))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    main()
