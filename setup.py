"""Installs `tfgan_zoo` with its presets (`zoo_configs`), classifiers and pretrained weights."""

import re
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (root / "tfgan_zoo" / "__init__.py").read_text(encoding="utf-8"))[1]
SOUND = ["soundfile>=0.12", "scipy>=1.11"]  # FLAC and WAV of other than 16 bits; other rates
TEXT = ["sacrebleu>=2.4", "nltk>=3.9"]  # BLEU; dictionaries of aligned sentences
SERVE = ["starlette>=0.40", "uvicorn>=0.30", "httptools", "grpcio", "orjson>=3.10", "prometheus_client>=0.20"]
UI = [*SERVE, "nicegui>=3.4"]
LITERT = ["ai-edge-litert>=2.0"]  # the runtime; the converter is TensorFlow's
ONNX = ["tf2onnx>=1.17", "onnx>=1.16", "onnxruntime>=1.18"]

setup(
    name="tfgan_zoo",
    version=version,
    description="A zoo of adversarial models (GANs) for Keras 3 and TensorFlow 2",
    long_description=(root / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["tfgan_zoo", "tfgan_zoo.*"]), "zoo_configs"],
    package_data={
        "tfgan_zoo": ["pretrained/*.json", "pretrained/*.npz"],
        "tfgan_zoo.evaluation": ["*.html"],
        "tfgan_zoo.features": ["weights/*.json", "weights/*.npz"],
        "zoo_configs": ["*.toml"],
    },
    install_requires=[
        "tensorflow>=2.20",
        "keras>=3.12",
        "tensorflow-datasets>=4.9.10",
        "importlib_resources",  # tensorflow-datasets 4.9.10 imports it without declaring it
        "tensorboard",
        "tensorflow-serving-api",  # protos alone: the requests that warm a served model up, and what the server speaks
        "numpy>=1.26",
        "pydantic>=2.9",
        "click>=8.1",
        "rich>=13",
        "pillow>=10",
        "matplotlib>=3.8",  # loss curves, and the typefaces of the embedded glyphs
    ],
    extras_require={
        "serve": SERVE,
        "litert": LITERT,
        "onnx": ONNX,
        "hub": ["huggingface_hub>=0.25"],
        "ui": UI,
        "sound": SOUND,
        "text": TEXT,
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.17,<0.18",
            "hypothesis>=6.100",
            "pyyaml>=6",  # the manifests in export/
            "playwright>=1.40",  # the page in a browser
            *UI,
            *SOUND,
            *TEXT,
        ],
    },
    entry_points={"console_scripts": ["tfgan_zoo = tfgan_zoo.cli:main"]},
)
