"""The singular values of the discriminator's layers, with spectral normalization or without.

    python -m tools.figures.spectral_norm sngan_spectra runs/sngan --beside runs/sngan_plain --out docs/figures

Layers are counted from the picture on. Their kernels are matrices (inputs, outputs), taken as they act: divided by the
estimate of their largest singular value where the run normalizes them. The numbers: `norm_1`, `norm_2` ..., the
largest singular value of each layer; `norm_most` and `norm_least` of them, which Miyato et al. 2018
(https://arxiv.org/abs/1802.05957) keep at 1; and `spread_1` ..., the sum of squares of a layer's singular values as a
share of what it would be if all were as large as the largest: small where a layer has few directions left.

Writes tools/reproduced/NAME.json, one seed per run, and the picture OUT/NAME.png, like the paper's figure of singular
values: all of the first run, and of another one beside it.
"""

import os
from pathlib import Path

import click
import numpy as np

from tfgan_zoo import files, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers.kernels import TRANSPOSED, KernelWrapper
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--beside", metavar="RUN", help="Another run, for the picture alone.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder for the picture. Default: none.")
def main(name, runs, beside, out):
    try:
        what = {"figure": "spectral_norm"}
        click.echo(measured.write(name, what, runs, lambda loaded: numbers(spectra(loaded.model))))
        if out:
            shown = [run for run in (runs[0], beside) if run]
            plot(out / f"{name}.png", {str(run): spectra(zoo.loaded(run).model) for run in shown})
            click.echo(out / f"{name}.png")
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def spectra(model) -> list[np.ndarray]:
    """The singular values of each layer of the discriminator with a kernel, the largest first.

    Raises:
        ZooError: a model without a discriminator.
    """
    if "discriminator" not in model.networks_by_name:
        raise ZooError(f"{model.name}: has no discriminator; it has {', '.join(model.networks_by_name)}.")
    layers = list(model.discriminator._flatten_layers())
    inner = {id(layer.layer) for layer in layers if isinstance(layer, KernelWrapper)}
    found = []
    for layer in layers:
        if id(layer) in inner or not hasattr(layer, "kernel"):
            continue
        kernel = layer.kernel.numpy()
        if isinstance(layer, KernelWrapper):
            kernel = next(np.asarray(value) for variable, value in layer.replaced(False) if variable is layer.kernel)
        plain = layer.layer if isinstance(layer, KernelWrapper) else layer
        matrix = np.moveaxis(kernel, -2 if isinstance(plain, TRANSPOSED) else -1, -1)
        found.append(np.linalg.svd(matrix.reshape(-1, matrix.shape[-1]), compute_uv=False))
    return found


def numbers(layers: list[np.ndarray]) -> dict[str, float]:
    """The numbers of one discriminator from the singular values of its layers."""
    norms = {f"norm_{place}": float(values[0]) for place, values in enumerate(layers, 1)}
    ends = {"norm_most": max(norms.values()), "norm_least": min(norms.values())}
    spread = {
        f"spread_{place}": float(np.mean(np.square(values / values[0])))
        for place, values in enumerate(layers, 1)
        if len(values) > 1
    }
    return norms | ends | spread


def plot(path: Path, runs: dict[str, list[np.ndarray]]) -> None:
    """A panel for each run, a line for each layer of more than one singular value."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib.figure import Figure

    figure = Figure((4.5 * len(runs) + 1, 3.5), layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for axes, (title, layers) in zip(panels, runs.items(), strict=True):
        for place, values in enumerate(layers, 1):
            if len(values) > 1:
                axes.plot(np.linspace(0, 1, len(values)), values, label=f"layer {place}", linewidth=1)
        axes.set_title(title, fontsize="small")
        axes.set_xlabel("place among the layer's values, the largest first")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("singular value")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    with files.atomic(path) as temporary:
        figure.savefig(temporary, dpi=100)


if __name__ == "__main__":
    main()
