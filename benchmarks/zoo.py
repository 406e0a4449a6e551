"""Many models for benchmarks: the demo's under other names, each a file of its own, and one that is large."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from penstock.models.descriptor import ModelDescriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from penstock.settings import Settings

__all__ = ["LARGE_FEATURES", "PREFIX", "large", "name_of", "renamed", "zoo"]

PREFIX = "zoo-"

#: Quick and small ones, as most are; they take turns.
_KINDS = ("iris-tree", "iris-logistic", "iris-kmeans")
LARGE_FEATURES = tuple(f"f{number}" for number in range(10))
_MIB = 1024 * 1024
_DEPTH = 9
_LARGE = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary>{fields}<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
<MiningModel functionName="regression">
<MiningSchema>{used}<MiningField name="y" usageType="target"/></MiningSchema>
<Output><OutputField name="y" feature="predictedValue" dataType="double" optype="continuous"/></Output>
<Segmentation multipleModelMethod="average">{segments}</Segmentation>
</MiningModel></PMML>"""
_SEGMENT = """<Segment id="{number}"><True/><TreeModel functionName="regression" splitCharacteristic="binarySplit">
<MiningSchema>{used}</MiningSchema>{tree}</TreeModel></Segment>
"""


def name_of(number: int) -> str:
    """A model's name."""
    return f"{PREFIX}{number:04}"


def zoo(count: int, folder: Path, settings: Settings, kinds: tuple[str, ...] = _KINDS) -> list[ModelDescriptor]:
    """Write the files of so many models into a folder, and describe them."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {kind: _read(settings.models_dir / kind / "1") for kind in kinds}
    return [_copy(number, folder, *known[kinds[number % len(kinds)]]) for number in range(count)]


def _read(folder: Path) -> tuple[ModelDescriptor, bytes]:
    import yaml

    tree = yaml.safe_load((folder / "descriptor.yaml").read_text(encoding="utf-8"))
    return ModelDescriptor.parse(tree, str(folder)), (folder / tree["uri"]).read_bytes()


def _copy(number: int, folder: Path, kind: ModelDescriptor, data: bytes) -> ModelDescriptor:
    """The same model under another name; its file is another, too, by a comment at its end."""
    own = data + f"<!-- {number} -->\n".encode()
    file = folder / f"{name_of(number)}.pmml"
    file.write_bytes(own)
    changes = {
        "name": name_of(number),
        "uri": file.absolute().as_uri(),
        "sha256": hashlib.sha256(own).hexdigest(),
        "bytes": len(own),
    }
    return ModelDescriptor.parse({**kind.plain(), **changes}, str(file))


def renamed(kind: ModelDescriptor, name: str, version: int) -> ModelDescriptor:
    """The same file as a version of another model."""
    return ModelDescriptor.parse({**kind.plain(), "name": name, "version": version}, str(kind.ref))


def large(file: Path, mib: float = 20.0) -> ModelDescriptor:
    """Write a forest of random trees, as large as that, and describe it."""
    draw = random.Random(1)  # noqa: S311 the same every time, nothing secret
    used = "".join(f'<MiningField name="{name}"/>' for name in LARGE_FEATURES)
    fields = "".join(f'<DataField name="{name}" optype="continuous" dataType="double"/>' for name in LARGE_FEATURES)
    segments: list[str] = []
    size = 0
    while size < mib * _MIB:
        tree = "".join(_node(draw, "<True/>", _DEPTH))
        segments.append(_SEGMENT.format(number=len(segments), used=used, tree=tree))
        size += len(segments[-1])
    data = _LARGE.format(fields=fields, used=used, segments="".join(segments)).encode()
    file.write_bytes(data)
    tree_of = {
        "name": "large",
        "version": 1,
        "job": "pmml",
        "format": "pmml",
        "uri": file.absolute().as_uri(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [{"name": name, "type": "double"} for name in LARGE_FEATURES],
        "outputs": [{"name": "y", "type": "double"}],
        "prediction": "y",
        "sample": dict.fromkeys(LARGE_FEATURES, 0.5),
    }
    return ModelDescriptor.parse(tree_of, str(file))


def _node(draw: random.Random, predicate: str, depth: int) -> Iterator[str]:
    yield f'<Node score="{draw.random():.6f}">{predicate}'
    if depth:
        field, value = draw.choice(LARGE_FEATURES), f"{draw.random():.6f}"
        for operator in ("lessOrEqual", "greaterThan"):
            split = f'<SimplePredicate field="{field}" operator="{operator}" value="{value}"/>'
            yield from _node(draw, split, depth - 1)
    yield "</Node>"
