# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of JSON Schema as the published schemas use; any other word in one is an error."""
import re

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
         "boolean": bool, "null": type(None)}
WORDS = {"$schema", "$id", "title", "description", "type", "const", "enum", "required", "properties",
         "items", "pattern", "minimum"}


def _is(value, name):
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def problems(value, schema, where="document"):
    """What is wrong with the value; a key that the schema doesn't describe is wrong, too."""
    unknown = set(schema) - WORDS
    if unknown:
        yield f"{where}: the schema has words that are not known here: {unknown}"
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(_is(value, name) for name in names):
        yield f"{where}: {value!r} is none of {names}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "minimum" in schema and isinstance(value, int) and value < schema["minimum"]:
        yield f"{where}: {value} is below {schema['minimum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} does not look like {schema['pattern']}"
    if isinstance(value, dict) and "properties" in schema:
        yield from _members(value, schema, where)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{where}[{number}]")


def _members(value, schema, where):
    for key in schema.get("required", []):
        if key not in value:
            yield f"{where}: no {key}"
    for key, member in value.items():
        if key in schema["properties"]:
            yield from problems(member, schema["properties"][key], f"{where}.{key}")
        else:
            yield f"{where}.{key}: not described"
