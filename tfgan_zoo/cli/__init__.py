"""The command line: each command parses, then calls one verb. `python -m tfgan_zoo --help` lists them.

Errors are one line on stderr and exit status 2; Ctrl-C in training saves and exits with 130.
"""

from tfgan_zoo.cli import look, training, models, serving, measuring, asking  # noqa: F401, I001  (in the order of the help)
from tfgan_zoo.cli.common import main

__all__ = ["main"]
