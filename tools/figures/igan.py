"""iGAN's table on a pretrained model: how near the ways of projection come, and how long they take.

    python -m tools.figures.igan dcgan_mnist mnist:test --num 100 --out igan.png

Zhu et al. 2016, table 1: the hybrid comes nearest, the descent is second, the predicting network third. A descent from
the nearest of many seeds needs no training. The picture has the given pictures in its first row, then what each way
finds.
"""

import argparse
import time

import numpy as np

from tfgan_zoo import images, manifold, zoo
from tfgan_zoo.evaluation import references


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", help="held-out pictures, as `evaluate --against` takes them")
    parser.add_argument("--num", type=int, default=100)
    parser.add_argument("--training", type=int, default=1000, help="steps of the predicting network")
    parser.add_argument("--steps", type=int, default=100, help="of the descent")
    parser.add_argument("--data-dir")
    parser.add_argument("--out")
    asked = parser.parse_args()
    loaded = zoo.loaded(asked.model)
    found = manifold.Manifold(loaded.model)
    options, key = {"data_dir": asked.data_dir, "download": False}, loaded.model.endpoints["generate"].target
    stream = references.against(asked.data, asked.num, dict(loaded.model.element_spec), key, options, False)
    pictures = np.concatenate([batch for batch, _ in stream.batches()])
    began = time.perf_counter()
    predictor = found.predictor(asked.training)
    print(f"{asked.model}, {len(pictures)} pictures of {stream.description}; P: {time.perf_counter() - began:.0f} s")
    rows = [pictures]
    ways = [(method, method, 0, 1) for method in manifold.METHODS]
    for name, method, pool, starts in [*ways, ("nearest 4 of 256 seeds", "optimise", 256, 4)]:
        began = time.perf_counter()
        projection = found.project(pictures, method, predictor, asked.steps, pool=pool, starts=starts)
        each = 1000 * (time.perf_counter() - began) / len(rows[0])
        print(f"{name:22} mean squared error {projection.errors.mean():.4f}, {each:.1f} ms each")
        rows.append(projection.pictures)
    if asked.out:
        shown = min(10, len(pictures))
        images.save_image(asked.out, images.grid(np.concatenate([row[:shown] for row in rows]), columns=shown))


if __name__ == "__main__":
    main()
