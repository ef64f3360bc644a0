"""One file per family. A family is found by its file name; see `tfgan_zoo.zoo`."""
