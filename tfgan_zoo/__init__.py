"""tfgan_zoo: adversarial models (GANs) that Keras `fit()` trains.

The verbs are the same in Python and on the command line (`python -m tfgan_zoo VERB`):

    list, info, build, get, train, evaluate, generate, interpolate, arithmetic, export, env

Nothing heavy is imported until a verb needs it.
"""

import importlib
import os

# On x86 CPUs without AVX512 TensorFlow leaves oneDNN off, which halves the speed of convolutions. It reads the variable
# when it is loaded; who has decided otherwise keeps that.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

_VERBS = {
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
    "export": ("verbs", "export"),
    "env": ("devices", "environment"),
}


def __getattr__(name: str):
    if name in _VERBS:
        module, attribute = _VERBS[name]
        return getattr(importlib.import_module(f"tfgan_zoo.{module}"), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its verbs are {', '.join(_VERBS)}")
