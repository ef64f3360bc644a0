"""Ask a running TensorFlow Serving for generated images and write them as PNG files.

Needs Python's standard library alone, and a running server with an exported model (see README.md here):

    python client_example.py dcgan_mnist --count 4 --seed 7 --out samples --url http://localhost:8501
"""

import argparse
import json
import struct
import urllib.error
import urllib.request
import zlib
from pathlib import Path


def request(url: str, model: str, count: int, seed: int) -> urllib.request.Request:
    """The REST request for the signature `sample`. Scalar inputs need the column format, "inputs"."""
    body = {"signature_name": "sample", "inputs": {"count": count, "seed": seed}}
    return urllib.request.Request(
        f"{url.rstrip('/')}/v1/models/{model}:predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )


def ask(url: str, model: str, count: int, seed: int, timeout: float = 60) -> list:
    """The images as nested lists [image][row][column][channel] of 0 ... 255."""
    try:
        with urllib.request.urlopen(request(url, model, count, seed), timeout=timeout) as response:
            return json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url} refused: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise SystemExit(f"no answer from {url}: {error}. Is the server running? See README.md.") from None


def png(image: list) -> bytes:
    """One image as the bytes of a PNG file: 1 channel grey, 3 RGB, 4 RGBA."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    colour = {1: 0, 3: 2, 4: 6}[len(image[0][0])]
    header = struct.pack(">IIBBBBB", len(image[0]), len(image), 8, colour, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in image)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    options = {"count": 4, "seed": 0, "out": Path("samples"), "url": "http://localhost:8501"}
    for option, default in options.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(ask(given.url, given.model, given.count, given.seed), given.seed):
        (given.out / f"seed{i:08d}.png").write_bytes(png(image))
    print(f"{given.count} images in {given.out}")
