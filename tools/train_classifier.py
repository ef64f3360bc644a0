"""Train a small classifier whose features and logits the metrics use; write its weights with a card.

    python tools/train_classifier.py mnist --data-dir DIR
    python tools/train_classifier.py fashion_mnist --data-dir DIR
    python tools/train_classifier.py cifar10 --data-dir DIR --epochs 12
    python tools/train_classifier.py spoken_digits --data-dir DIR --epochs 40

DIR is a prepared tensorflow-datasets directory (nothing is downloaded), or the folder that holds the folder
`spoken_digits` of WAV files (Free Spoken Digits: 0_jackson_5.wav; takes 0 to 4 are the test split). Writes
<name>.npz (float16) and <name>.json into tfgan_zoo/features/weights/. The accuracy on the card is measured on the
test split with the weights as stored.
"""

import argparse
import datetime
import math
import platform
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from tfgan_zoo import data, features, files
from tfgan_zoo.features import classifiers, sound
from tfgan_zoo.modalities import Audio, ClassLabel

DATASETS = {
    "mnist": {"extractor": "mnist_cnn", "licence": "CC BY-SA 3.0", "flip": False, "shift": (2, 2)},
    "fashion_mnist": {"extractor": "fashion_cnn", "licence": "MIT", "flip": True, "shift": (2, 2)},
    "cifar10": {"extractor": "cifar_cnn", "licence": "research use", "flip": True, "shift": (3, 3)},
    "spoken_digits": {"extractor": "spoken_cnn", "licence": "CC BY-SA 4.0", "flip": False, "shift": (2, 12)},
}
TAKES = r"(?P<label>[0-9])_[a-z]+_((?P<test>[0-4])|(?P<train>[0-9]+))"  # of spoken digits


class Shifted(keras.utils.PyDataset):
    """Shuffled images in [0, 1], shifted by up to `shift` pixels (down, right), mirrored half the time if `flip`."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, batch_size: int, flip: bool, shift, seed: int):
        super().__init__()
        padded = np.pad(images, ((0, 0), *((most, most) for most in shift), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, images.shape[1:3], axis=(1, 2))
        self.windows = windows.transpose(0, 1, 2, 4, 5, 3)  # a view: image, down, right, height, width, channel
        self.labels, self.batch_size, self.flip, self.shift = labels, batch_size, flip, shift
        self.random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.labels) // self.batch_size

    def on_epoch_end(self) -> None:
        self.order = self.random.permutation(len(self.labels))

    def __getitem__(self, index: int):
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        down, right = (self.random.integers(0, 2 * most + 1, len(rows)) for most in self.shift)
        images = self.windows[rows, down, right]
        if self.flip:
            mirrored = self.random.random(len(rows)) < 0.5
            images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        return images.astype(np.float32) / 255.0, self.labels[rows]


def arrays(name: str, split: str, data_dir: str) -> tuple[np.ndarray, np.ndarray]:
    """A whole split as extractors take it, pictures uint8 (n, h, w, c) or sounds, and int labels (n,)."""
    if name == "spoken_digits":
        source = data.source_class("audio")(source="audio", path=name, pattern=TAKES, data_dir=data_dir)
        spec = {"audio": Audio((sound.SAMPLES, 1), sound.RATE), "label": ClassLabel(10)}
        opened = source.open(spec, split=split)
        rows = opened.rows(range(opened.num_examples))
        return rows["audio"], rows["label"]
    stored = tfds.load(name, split=split, data_dir=data_dir, download=False, batch_size=-1)
    return stored["image"].numpy(), stored["label"].numpy()


def accuracy(extractor: features.Extractor, images: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of `images` whose largest logit is at their label."""
    batches = range(0, len(images), 500)
    logits = [extractor.outputs(images[first : first + 500], ["logits"])["logits"] for first in batches]
    return float(np.mean(np.concatenate(logits).argmax(-1) == labels))


def main() -> None:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--data-dir", required=True, help="the tensorflow-datasets directory")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", default="", help="what is special about these data, for the card")
    parser.add_argument("--out", type=Path, default=features.WEIGHTS, help="folder the two files go to")
    options = parser.parse_args()
    facts = DATASETS[options.dataset]
    started = time.perf_counter()

    keras.utils.set_random_seed(options.seed)
    images, labels = arrays(options.dataset, "train", options.data_dir)
    heard = facts["extractor"] in classifiers.OF_SOUND
    images = sound.spectrograms(images) if heard else images
    batches = Shifted(images, labels, options.batch_size, facts["flip"], facts["shift"], options.seed)
    model = classifiers.CLASSIFIERS[facts["extractor"]](num_classes=10)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, options.epochs * len(batches))
    trained = keras.Model(model.input, model.output["logits"])
    trained.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # oneDNN is faster than XLA here
    )
    trained.fit(batches, epochs=options.epochs, shuffle=False, verbose=2)
    seconds = time.perf_counter() - started

    path = options.out / f"{facts['extractor']}.npz"
    with files.atomic(path) as temporary:
        np.savez(temporary, **{v.path: v.numpy().astype(np.float16) for v in model.weights})
    card = {
        "name": facts["extractor"],
        "sha256": files.sha256(path),
        "classes": 10,
        "test_accuracy": math.nan,
        "data": f"{options.dataset}, takes 5 to 49: {len(labels):,} sounds"
        if heard
        else f"{options.dataset} (tensorflow-datasets), train: {len(labels):,} images"
        + (f"; {options.note}" if options.note else ""),
        "data_licence": facts["licence"],
        "augmentation": f"shifts up to {' and '.join(map(str, sorted({*facts['shift']})))} pixels"
        + (", horizontal flips" if facts["flip"] else ""),
        "seed": options.seed,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "seconds": round(seconds),
        "date": datetime.date.today().isoformat(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "machine": f"{platform.machine()}, CPU",
        "command": f"python tools/train_classifier.py {options.dataset} --data-dir DIR"
        + f" --epochs {options.epochs} --batch-size {options.batch_size}"
        + f" --learning-rate {options.learning_rate} --seed {options.seed}",
    }
    files.write_json(path.with_suffix(".json"), card)
    stored = features.extractor(facts["extractor"], weights=path)  # float16, as everyone will load it
    card["test_accuracy"] = accuracy(stored, *arrays(options.dataset, "test", options.data_dir))
    files.write_json(path.with_suffix(".json"), card)
    print(f"{path}: accuracy {card['test_accuracy']:.4f}, {path.stat().st_size:,} bytes, {seconds:.0f} s")


if __name__ == "__main__":
    main()
