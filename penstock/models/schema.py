"""The JSON Schema of model descriptors, for editors and for whoever writes descriptors by program.

``python -m penstock.models.schema > config/model.schema.json`` writes it anew; a test keeps the file current.
"""

from __future__ import annotations

import json
from typing import Any

from penstock.models.descriptor import ModelDescriptor

__all__ = ["schema", "text"]

_TITLE = "Penstock model descriptor"


def schema() -> dict[str, Any]:
    """Return the schema."""
    whole = ModelDescriptor.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": _TITLE}


def text() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    import click

    click.echo(text(), nl=False)
