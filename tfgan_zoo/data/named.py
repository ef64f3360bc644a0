"""Functions that a preset names, with checked arguments: `{ center_crop = 178 }` -> `center_crop(..., size=178)`."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from tfgan_zoo.errors import ZooError, unknown


def functions(module: ModuleType) -> dict[str, Callable]:
    """The public functions that a module defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def name_of(entry: str | dict) -> str:
    """The name in an entry: a text, or the only key of a table."""
    return entry if isinstance(entry, str) else next(iter(entry), "")


def bound(
    module: ModuleType, entry: str | dict[str, Any], where: str, given: Callable[[str], int], noun: str = "transform"
) -> Callable:
    """The function of `module` that `entry` names, with the arguments that stand beside the name.

    Args:
        where: the setting, for messages, such as "data.transforms".
        given: name -> how many leading arguments the caller will pass itself.
        noun: what such a function is called, for messages.

    Raises:
        ZooError: an unknown name, or an argument that does not fit.
    """
    if isinstance(entry, dict) and len(entry) != 1:
        raise ZooError(f"{where}: {entry} must have one name, as in {{ name = argument }}.")
    name, known = name_of(entry), functions(module)
    if name not in known:
        raise unknown(noun, name, known, where)
    function = known[name]
    own = list(inspect.signature(function).parameters.values())[given(name) :]
    usage = f"{name}({', '.join(str(p).split(':')[0] for p in own)})"
    values = [] if isinstance(entry, str) else [entry[name]]
    named = values[0] if values and isinstance(values[0], dict) else {}
    named = named or dict(zip([p.name for p in own], values, strict=False))
    if len(named) < len(values) or any(key not in {p.name for p in own} for key in named):
        raise ZooError(f"{where}: {name} does not take {values[0]!r}; it is {usage}.")
    hints = get_type_hints(function, include_extras=True)
    for parameter in own:
        if parameter.name not in named:
            if parameter.default is parameter.empty:
                raise ZooError(f"{where}: {name} needs {parameter.name}; it is {usage}.")
            continue
        try:
            TypeAdapter(hints[parameter.name]).validate_python(named[parameter.name], strict=True)
        except ValidationError as error:
            reason, got = error.errors()[0]["msg"], named[parameter.name]
            raise ZooError(f"{where}: {name}: {parameter.name} = {got!r}: {reason}.") from None
    return lambda *arguments: function(*arguments, **named)
