"""The routing document's JSON Schema, for editors and for whoever writes documents by program.

``python -m penstock.routing.schema > config/routing.schema.json`` writes it anew; a test keeps the file current.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from penstock.routing.document import RoutingDocument
from penstock.routing.transforms import BUILT_IN

__all__ = ["schema", "text"]

_TITLE = "Penstock routing document"


def schema() -> dict[str, Any]:
    """Return the schema; transforms of other packages are allowed, but only the built-in ones are described."""
    whole = RoutingDocument.model_json_schema()
    shared: dict[str, Any] = whole["$defs"]
    described = {}
    for name, transform in BUILT_IN.items():
        parameters = transform.parameters.model_json_schema(ref_template="#/$defs/{model}")
        shared.update(parameters.pop("$defs", {}))
        described[name] = {**parameters, "description": inspect.getdoc(transform.compile)}
    shared["Transform"] = {
        "description": "A transform's name, or its name with its parameters.",
        "anyOf": [
            {"type": "string", "examples": sorted(BUILT_IN)},
            {"type": "object", "properties": described, "minProperties": 1, "maxProperties": 1},
        ],
    }
    for part in ("Route", "Output"):
        shared[part]["properties"]["transform"]["items"] = {"$ref": "#/$defs/Transform"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": _TITLE}


def text() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    import click

    click.echo(text(), nl=False)
