"""Sides that networks can reach by doubling a small map."""

from tfgan_zoo.errors import ZooError

STARTS = (4, 7)


def count_doublings(image_shape: tuple[int, ...]) -> int:
    """How often a map of side 4 or 7 is doubled to reach the image's sides (height, width, ...), at least once.

    Raises:
        ZooError: where the shorter side is not 4 or 7 times a power of two, or the longer one not a multiple.
    """
    height, width = image_shape[:2] if len(image_shape) == 3 else (0, 0)
    for start in STARTS:
        for doublings in range(1, 9):
            if min(height, width) == start << doublings and not max(height, width) % (1 << doublings):
                return doublings
    raise ZooError(
        f"image_shape={list(image_shape)}: this network makes [height, width, channels] with sides of 4 or 7 times a "
        "power of two from 8 up, such as 16, 28, 32, 56, 64 or 128. Choose the nearest; the data are resized to it."
    )
