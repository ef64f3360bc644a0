"""Settings checked against a schema; errors in the words of a preset."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import BaseModel

from tfgan_zoo.errors import ZooError, unknown


def check(
    schema: type[BaseModel],
    values: Mapping[str, Any],
    section: str,
    origin: str,
    texts: Mapping[str, Any],
    place: str = "command line",
):
    """`values` as an object of `schema`: as JSON, where an array may become a tuple but nothing else changes its type.

    Args:
        section: which table of the preset it is, for messages.
        origin: the file it comes from.
        texts: what was changed by hand: {"section.key": text, or a value that is no text of the command line}.
        place: where it was changed.

    Raises:
        ZooError: an unknown key, a wrong type, an impossible value.
    """
    try:
        return schema.model_validate_json(json.dumps(dict(values), default=str), strict=True)
    except pydantic.ValidationError as error:
        problems = error.errors(include_url=False)
    for problem in problems:  # a number on the command line for a key that holds text
        key = f"{section}.{problem['loc'][0]}" if problem["loc"] else section
        mended = problem["type"] == "string_type" and len(problem["loc"]) == 1 and key in texts
        if mended and values[problem["loc"][0]] != texts[key]:
            return check(schema, {**values, problem["loc"][0]: texts[key]}, section, origin, texts, place)
    raise _explain(problems, schema, section, origin, texts, place)


_IN_TOML = {  # what pydantic's error types ask for, in the words of a preset
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": 'a list, such as ["a", "b"]',
    "tuple_type": "a list, such as [32, 32, 3]",
    "dict_type": 'a table, such as { name = "adam" }',
}


def _explain(problems: list, schema: type[BaseModel], section: str, origin: str, texts, place: str) -> ZooError:
    problem = problems[0]
    location, given = problem["loc"], problem["input"]
    field = schema.model_fields.get(str(location[0])) if location else None
    named = [
        problem
    ]  # a union has one problem for each alternative, whose name ends the location; a short list for each gap
    if len(location) > 1 and (
        problem["type"] == "missing" or (field and re.search(r"\||Union\[", str(field.annotation)))
    ):
        location = location[:-1]
        named = [p for p in problems if p["loc"][:-1] == location and p["input"] == given]
    key = ".".join([section, *map(str, location)])
    where = place if any(text.startswith(key) or key.startswith(text) for text in texts) else origin
    more = f" (and {len(problems) - len(named)} more)" if len(problems) > len(named) else ""
    if problem["type"] == "extra_forbidden" and len(location) == 1:
        return unknown("key", key, [f"{section}.{name}" for name in schema.model_fields], where=where)
    if problem["type"] == "missing" and len(problem["loc"]) == 1:
        return ZooError(f"{where}: {key} is missing{more}: set {key}=VALUE.")
    if reason := str(problem.get("ctx", {}).get("error", "")).rstrip(
        "."
    ):  # a validator of the source speaks for itself
        named = f"{section}.{reason}" if location and reason.startswith(f"{location[0]} ") else f"{key}: {reason}"
        return ZooError(f"{where}: {reason if reason.startswith(key) else named}{more}.")
    if problem["type"] in ("missing", "too_long"):
        wanted = f"a list of {problem.get('ctx', {}).get('max_length') or len(given) + len(named)}"
    else:
        wanted = " or ".join(_IN_TOML.get(p["type"], p["msg"].removeprefix("Input should be ")) for p in named)
    return ZooError(f"{where}: {key} = {given!r}: should be {wanted}{more}.")
