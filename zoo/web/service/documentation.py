"""The page that documents the HTTP API, made from its own OpenAPI; it loads nothing."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER

if TYPE_CHECKING:
    from jinja2 import Template


def documentation(schema: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "fields": _fields(operation, schema),
            "responses": {
                code: told["description"] for code, told in operation["responses"].items()
            },
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return _template().render(
        title=schema["info"]["title"],
        version=schema["info"]["version"],
        disclaimer=DISCLAIMER,
        operations=operations,
    )


def _fields(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the form fields of an operation: name, kind, whether required, description."""
    content = operation.get("requestBody", {}).get("content", {})
    fields: list[dict[str, Any]] = []
    for form in content.values():
        body = _resolved(form["schema"], schema)
        fields += [
            {
                "name": name,
                "kind": _kind(field, schema),
                "required": name in body.get("required", ()),
                "default": field.get("default"),
                "description": field.get("description", ""),
            }
            for name, field in body["properties"].items()
        ]
    return fields


def _kind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    field = _resolved(field, schema)
    if "anyOf" in field:
        kinds = [_kind(one, schema) for one in field["anyOf"]]
        return " or ".join(kind for kind in kinds if kind != "null")
    if field.get("type") == "array":
        return f"{_kind(field['items'], schema)}, may be repeated"
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "contentMediaType" in field or field.get("format") == "binary":
        return "file"
    return str(field.get("type", "any"))


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference into the document's components."""
    while "$ref" in part:
        part = schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("zoo.web.service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("documentation.html.j2")
