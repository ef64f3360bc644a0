"""Publish a finished run as pretrained weights: the only way into tfgan_zoo/pretrained.

    python tools/publish_weights.py runs/dcgan_mnist --licence "MNIST: CC BY-SA 3.0" --data-dir ~/tensorflow_datasets
    python tools/publish_weights.py dcgan_mnist --metrics fd_mnist,fid768,kid768 --data-dir ~/tensorflow_datasets

Writes the weights, loads what was written the way users will, measures that, and writes the card: data and licence,
steps, seed, time, hardware, metrics with their stamps, commit, versions, SHA-256. Given the name of published weights,
it measures these again and writes their card anew.
"""

import json
from datetime import date

import click

from tfgan_zoo import console, files, index, sharing, weights, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, assess
from tfgan_zoo.runs import Run

LIMIT = 5_500_000  # bytes of one packaged model


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("target", metavar="RUN_DIR|PRESET")
@click.option("--licence", help="The licence of the data, for the card of a run.")
@click.option("--storage", type=click.Choice(weights.STORAGES), default="float16", show_default=True)
@click.option("--data-dir", metavar="DIR", help="Where TFDS data sets lie.")
@click.option("--inception-weights", metavar="FILE", help="The .npz for fid*. Or set TFGAN_ZOO_INCEPTION.")
@click.option("--metrics", metavar="A,B", help="Default: the preset's.")
@click.option("--num", type=int, help="Images to generate for the metrics. Default: the preset's.")
def main(target, licence, storage, **measuring):
    try:
        if target in weights.names():
            return measure_again(target, **measuring)
        if not licence:
            raise ZooError(f"{target}: say --licence, that of the data.")
        publish(Run(target), licence, storage, **measuring)
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def publish(
    run: Run, licence: str, storage: str, *, metrics=None, num=None, data_dir=None, inception_weights=None
) -> None:
    """Write `<preset>.npz` and `<preset>.json`; the card only appears when everything else has gone well."""
    if not run.finished:
        raise ZooError(f"{run.path}: is not finished. Train it to its end first.")
    experiment = run.experiment()
    model = zoo.build(experiment)
    step = run.restore(model)
    name = experiment.preset
    archive = index.PRETRAINED / f"{name}.npz"
    draft = archive.with_name(f"{name}.draft.npz")
    weights.save(model, draft, storage)
    try:
        if draft.stat().st_size > LIMIT:
            raise ZooError(
                f"{draft.stat().st_size:,} bytes is over the limit of {LIMIT:,}: use --storage int8 or a smaller model."
            )
        published = zoo.build(experiment)
        weights.load(published, draft, name)  # what is measured is what is shipped
        results = measured(published, experiment, metrics, num, data_dir, inception_weights)
    except BaseException:
        draft.unlink()
        raise
    finished = json.loads((run.path / "finished.json").read_text())
    environment, commits = run.sessions[0], dict.fromkeys(session["commit"] or "none" for session in run.sessions)
    draft.replace(archive)
    files.write_json(
        index.PRETRAINED / f"{name}.json",
        {
            "name": name,
            "file": archive.name,
            "bytes": archive.stat().st_size,
            "sha256": files.sha256(archive),
            "storage": storage,
            "published": date.today().isoformat(),
            "experiment": sharing.portable(experiment.as_dict()),
            "data": {
                "source": finished["data"]["source"],
                "fingerprint": finished["data"]["fingerprint"],
                "class_names": finished["data"].get("class_names"),
                "licence": licence,
            },
            "training": {
                "steps": step,
                "seed": experiment.train.seed,
                "batch_size": experiment.data.batch_size,
                "seconds": finished["seconds"],
                "hardware": f"{environment['processor']}, {environment['cores']} cores"
                + "".join(f", {gpu}" for gpu in environment["gpus"]),
                "commit": ", ".join(commits),  # more than one where the run was resumed under another
                "versions": environment["versions"],
                **({"perceptual": environment["perceptual"]} if "perceptual" in environment else {}),
            },
            "metrics": [result.as_dict() for result in results],
        },
    )
    console.note(f"{archive} ({archive.stat().st_size:,} bytes) and its card")


def measured(model, experiment, metrics, num, data_dir, inception_weights) -> list:
    """The numbers of a card. Raises ZooError where one of them cannot be measured."""
    results = assess.assess(
        model,
        experiment,
        f"pretrained {experiment.preset}",
        Protocol(metrics=metrics or (), samples=num, inception_weights=inception_weights),
        options={"data_dir": data_dir, "download": False},
    )
    for metric, reason in results.failures.items():
        raise ZooError(f"{metric} was not measured: {reason}")
    return results


def measure_again(name: str, *, metrics=None, num=None, data_dir=None, inception_weights=None) -> None:
    """Write the card of published weights anew, with the numbers that are measured of them now."""
    loaded, card = zoo.loaded(name), weights.card(name)
    results = measured(loaded.model, loaded.experiment, metrics, num, data_dir, inception_weights)
    files.write_json(index.PRETRAINED / f"{name}.json", {**card, "metrics": [result.as_dict() for result in results]})
    console.note(f"card of {name}: {', '.join(result.metric for result in results)}")


if __name__ == "__main__":
    main()
