"""How natural the cepstra of `speech_synthesis` are: their variance, how fast they move, and whom they deceive.

    python -m tools.figures.speech speech_variance runs/reproduce/speech_synthesis_digits/seed-0 --data-dir DIR

On the test sounds, whose words, speakers and lengths the model is given (Saito et al. 2018, sections IV and V):

- `mge`: the generation error, of standardized cepstra;
- `variance_gap`: the mean over coefficients of |log(global variance / natural global variance)|, 0 where cepstra move
  as much within a sound as natural ones; `variance_ratio`: the geometric mean of the ratios themselves;
- `modulation_gap`: the same of the modulation spectrum above 10 Hz (its mean over sounds and coefficients, in dB);
- `spoofing_rate`: the share of its frames that a discriminator calls natural which was trained to tell natural frames
  from those of `--against`, a run with `model.adversarial_weight=0`; left out without it.
"""

from pathlib import Path

import click
import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.networks.speech import mask_of, mlp
from tools.figures import measured

FAST = 10.0  # Hz
FRAMES = 200.0  # a second
EPOCHS = 5


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help="A run of generation error alone, for spoofing_rate.")
@click.option("--data-dir", help="Where data lie. Default: what the run was trained on.")
def main(name, runs, against, data_dir):
    try:
        judge = trained_judge(zoo.loaded(against), data_dir) if against else None
        what = {"figure": "speech", "split": "test", "against": str(against or "")}
        place = measured.write(name, what, runs, lambda loaded: scores(loaded, data_dir, judge))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def scores(loaded: zoo.Loaded, data_dir: str | None = None, judge: keras.Model | None = None) -> dict[str, float]:
    """The figures of one run."""
    found = cepstra(loaded, "test", data_dir)
    natural, made = (
        [row[:n] for row, n in zip(found[side], found["frames"], strict=True)] for side in ("real", "made")
    )
    variances = [np.mean([np.var(row, axis=0) for row in rows], axis=0) for rows in (natural, made)]
    gaps = np.log(variances[1] / variances[0])
    modulations = [np.mean([modulation(row) for row in rows if len(row) > 1]) for rows in (natural, made)]
    errors = [np.square(a - b).sum(axis=-1).mean() for a, b in zip(natural, made, strict=True)]
    answers = {
        "mge": float(np.mean(errors)),
        "variance_gap": float(np.abs(gaps).mean()),
        "variance_ratio": float(np.exp(gaps.mean())),
        "modulation_gap": float(abs(modulations[1] - modulations[0])),
    }
    if judge is not None:
        answers["spoofing_rate"] = float(np.mean(judge.predict(np.concatenate(made), 4096, verbose=0) > 0))
    return answers


def modulation(row: np.ndarray) -> float:
    """The level of a sound's cepstra (frames, order) where they move faster than 10 Hz, in dB."""
    spectrum = np.abs(np.fft.rfft(row - row.mean(axis=0), n=512, axis=0)) ** 2 / len(row)
    fast = np.fft.rfftfreq(512, 1 / FRAMES) > FAST
    return float(10 * np.log10(spectrum[fast].mean() + 1e-12))


def cepstra(loaded: zoo.Loaded, split: str, data_dir: str | None) -> dict[str, np.ndarray]:
    """Natural and made cepstra of a split, standardized: `real`, `made` (n, frames, order), and `frames` (n,)."""
    model, source = loaded.model, loaded.experiment.data
    if data_dir:
        source = source.model_copy(update={"data_dir": data_dir})
    parts = []
    for batch in source.open(model.element_spec, split=split).examples(50):
        in_model_form = {key: kind.to_model(batch[key]) for key, kind in model.element_spec.items()}
        coefficients, length = model.natural(in_model_form)
        made = model.predicted(in_model_form["label"], length, training=False)
        parts.append((model.standard(coefficients), made, tf.cast(length[:, 0], tf.int32)))
    columns = [np.concatenate([part.numpy() for part in column]) for column in zip(*parts, strict=True)]
    return dict(zip(("real", "made", "frames"), columns, strict=True))


def trained_judge(loaded: zoo.Loaded, data_dir: str | None = None) -> keras.Model:
    """A network that tells natural frames from the model's: logits (n, 1) of frames (n, order), above 0 for natural."""
    keras.utils.set_random_seed(0)
    found = cepstra(loaded, "train", data_dir)
    inside = mask_of(found["frames"][:, None], found["real"].shape[1]).numpy() > 0
    frames = np.concatenate([found["real"][inside], found["made"][inside]])
    natural = np.repeat([1.0, 0.0], len(frames) // 2).astype(np.float32)
    frame = keras.Input(frames.shape[1:])
    judge = keras.Model(frame, mlp(frame, 2, loaded.model.discriminator_units, 1))
    judge.compile(keras.optimizers.Adagrad(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    judge.fit(frames, natural[:, None], batch_size=1024, epochs=EPOCHS, verbose=0)
    return judge


if __name__ == "__main__":
    main()
