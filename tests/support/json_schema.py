"""Just enough of JSON Schema to hold answers against an OpenAPI file; strict: an object may have
no key that its schema does not name."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Where a value does not fit, in words; empty when it does."""
    if "$ref" in schema:
        return problems(value, resolve(schema["$ref"], root), root, at)
    if "oneOf" in schema:
        fitting = [s for s in schema["oneOf"] if not problems(value, s, root, at)]
        return [] if len(fitting) == 1 else [f"{at}: fits {len(fitting)} of oneOf"]
    found = _simple(value, schema, at)
    if found:
        return found
    if isinstance(value, dict):
        return _object(value, schema, root, at)
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        items = [*prefix, *[schema.get("items", {})] * (len(value) - len(prefix))]
        pairs = zip(value, items, strict=False)
        return [p for n, (v, s) in enumerate(pairs) for p in problems(v, s, root, f"{at}[{n}]")]
    return []


def _simple(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else wanted
    is_bool = isinstance(value, bool)
    if names and not any(
        isinstance(value, _TYPES[name]) and (not is_bool or name == "boolean") for name in names
    ):
        return [f"{at}: {value!r} is not {wanted}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not one of {schema['enum']}"]
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r} is not {schema['const']!r}"]
    return []


def _object(
    value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str
) -> list[str]:
    if schema == {"type": "object"}:
        return []
    known = schema.get("properties", {})
    further = schema.get("additionalProperties", False)
    found = [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], root, f"{at}.{name}")
        elif further is False:
            found.append(f"{at}: {name} is not described")
        elif isinstance(further, dict):
            found += problems(item, further, root, f"{at}.{name}")
    return found


def resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    """What a ``#/…`` reference means."""
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
