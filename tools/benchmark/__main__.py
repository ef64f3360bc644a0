"""How fast is the zoo beside named peers, measured in the same run?

    python -m tools.benchmark train
    python -m tools.benchmark train --games dcgan28 --rounds 3 --seconds 5 --jit --json speed.json
    python -m tools.benchmark train --games sngan pix2pix stylegan --precision bfloat16
    python -m tools.benchmark evaluate
    python -m tools.benchmark evaluate --only features --sizes 32 299 --taps 2048 768 --batch 16
    python -m tools.benchmark serve
    python -m tools.benchmark serve --clients 8 --soak 600     # ten minutes, half of the time busy
    python -m tools.benchmark scaling dcgan_glyphs

What each measures: COMMAND --help. How to read it: docs/speed.md.

Each contender lives in a process of its own, so that their thread pools never mix, and computes only while
the others wait. They take slices in turn (A B C A B C ...), so that a slow spell of the machine meets all.
Read the ratios: images/s belong to one machine at one moment. On a machine that others use too, take
--threads 1 and read the images per second of processor time ("cpu s"): threads that wait for one another
suffer most from neighbours, and not all contenders alike.
"""

import argparse
import signal
import sys

from tools.benchmark import features, scaling, serving, training

COMMANDS = {"train": training, "evaluate": features, "serve": serving, "scaling": scaling}


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written, and the defaults of options."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m tools.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__, formatter_class=HelpFormatter)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main() -> None:
    """Run the command line."""
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that the workers are ended too
    main()
