"""Make the weights file of the Inception network that FID and the Inception Score are defined on.

    python tools/convert_inception.py --download
    python tools/convert_inception.py classify_image_graph_def.pb inception_2015.npz

\b
SOURCE is one of
  classify_image_graph_def.pb    the graph that TensorFlow published on 2015-12-05
  inception-2015-12-05.tgz       the archive it comes in
  *.pth                          PyTorch's copy, of pytorch-fid or torch-fidelity (takes torch to read)

OUT, an .npz file of 95 MB, is for --inception-weights or $TFGAN_ZOO_INCEPTION. --download fetches the archive
(89 MB, Apache 2.0) instead and puts the file where it is found by itself: $TFGAN_ZOO_CACHE or ~/.cache/tfgan_zoo.
"""

from pathlib import Path

import click

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError


@click.command(help=__doc__.replace("    python", "\b\n    python", 1))
@click.argument("source", required=False)
@click.argument("out", required=False, metavar="[OUT.npz]")
@click.option("--download", is_flag=True, help="Fetch the published archive, once.")
@click.option("--url", metavar="URL", help="With --download: another place of the archive, such as a mirror.")
def main(source, out, download, url):
    if download == bool(source) or bool(source) != bool(out) or (url and not download):
        raise click.UsageError("give SOURCE and OUT.npz, or --download with nothing else but --url.")
    from tfgan_zoo.features import inception_weights  # not before: --help must not wait for TensorFlow

    try:
        if download:
            line = inception_weights.download([url] if url else inception_weights.URLS)
            out = inception_weights.cached()
        else:
            line = inception_weights.convert(source, out)
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(line)
    click.echo(f"{out}: {Path(out).stat().st_size:,} bytes, SHA-256 {files.sha256(out)}")


if __name__ == "__main__":
    main()
