"""Writes a model's file and, beside it, one line for each row: the input, the prediction and the outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree  # type: ignore[import-untyped]  # comes with nyoka, without types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FOLDER", "write_answers", "write_model"]

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "pmml" / "breadth"


def write_model(name: str, text: str | bytes) -> Path:
    """Write the document, laid out, without the time at which it was made."""
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False)
    root = etree.fromstring(text.encode() if isinstance(text, str) else text, parser)
    for timestamp in root.findall(".//{*}Timestamp"):
        timestamp.getparent().remove(timestamp)
    etree.indent(root, space=" ")
    path = FOLDER / f"{name}.pmml"
    path.write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n")
    return path


def write_answers(name: str, answers: Iterable[Mapping[str, Any]]) -> None:
    """Write rows with their answers; each has ``input``, ``prediction`` and ``outputs``."""
    lines = (json.dumps(answer, ensure_ascii=False) for answer in answers)
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
