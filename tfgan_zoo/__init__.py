"""tfgan_zoo: adversarial models (GANs) that Keras `fit()` trains.

The verbs are the same in Python and on the command line (`python -m tfgan_zoo VERB`):

    list, info, build, get, load, train, evaluate, generate, interpolate, arithmetic, translate, export,
    serve, push, pull, env

Nothing heavy is imported until a verb needs it.
"""

import importlib
import os
import sys

# On x86 CPUs without AVX512 TensorFlow leaves oneDNN off, which halves the speed of convolutions. It reads the variable
# when it is loaded. An explicit setting wins.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

_PUBLIC = {
    "AdversarialModel": ("adversarial", "AdversarialModel"),
    "list": ("index", "listing"),
    "info": ("index", "info"),
    "build": ("zoo", "build"),
    "get": ("zoo", "get"),
    "load": ("zoo", "load"),
    "train": ("training", "train"),
    "evaluate": ("verbs", "evaluate"),
    "generate": ("verbs", "generate"),
    "interpolate": ("verbs", "interpolate"),
    "arithmetic": ("verbs", "arithmetic"),
    "project": ("verbs", "project"),
    "translate": ("verbs", "translate"),
    "export": ("verbs", "export"),
    "serve": ("verbs", "serve"),
    "study": ("verbs", "study"),
    "push": ("verbs", "push"),
    "pull": ("verbs", "pull"),
    "env": ("devices", "environment"),
}


def __getattr__(name: str):
    if name in _PUBLIC:
        module, attribute = _PUBLIC[name]
        return getattr(importlib.import_module(f"tfgan_zoo.{module}"), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its verbs are {', '.join(_PUBLIC)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])


# Where Keras is loaded already, its `load_model` is to know the zoo's classes.
if "keras" in sys.modules:
    importlib.import_module("tfgan_zoo.zoo")
