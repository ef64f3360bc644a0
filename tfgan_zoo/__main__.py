"""`python -m tfgan_zoo VERB`."""

from tfgan_zoo.cli import main

main()
