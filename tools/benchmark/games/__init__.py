"""The games of `python -m tools.benchmark train`: each is one module, for the zoo, in plain TensorFlow, in PyTorch."""

from tools.benchmark.games import dcgan, pix2pix, sngan, stylegan

GAMES = {**dcgan.GAMES, **sngan.GAMES, **pix2pix.GAMES, **stylegan.GAMES}
