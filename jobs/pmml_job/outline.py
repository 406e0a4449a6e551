"""A PMML file's outline: the data dictionary and the first model's mining schema, read without building the rest.

Every element and every fault knows its line and column.

A forest can have a hundred megabytes of trees of which we need nothing. No document type is accepted, so nothing in the
file can make the parser read other files or grow (external entities, entity expansion), neither here nor in the engine
that reads the same bytes later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MODEL_PARTS", "Element", "OutlineError", "outline", "parser"]

_DICTIONARY = "DataDictionary"
_SCHEMA = "MiningSchema"

MODEL_PARTS = frozenset({"Output", "Targets", "ModelVerification"})
"""Further parts of a model that are short beside the rest of it."""


class OutlineError(ValueError):
    """A fault of the file, with its place, and the element that it is about ("" where there is none)."""

    def __init__(self, detail: str, line: int, column: int, element: str = "") -> None:
        super().__init__(detail, line, column, element)
        self.detail = detail
        self.line = line
        self.column = column
        self.element = element

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.detail}"


@dataclass(slots=True)
class Element:
    """An XML element by its local name: PMML's namespace differs with its version and means nothing to us."""

    name: str
    attributes: dict[str, str]
    elements: list[Element] = field(default_factory=list)
    line: int = 0
    column: int = 0
    text: str = ""
    """What stands in it, where parts of models were asked for."""

    def fault(self, detail: str) -> OutlineError:
        """A fault of this element."""
        return OutlineError(detail, self.line, self.column, self.name)

    def children(self, name: str) -> Iterator[Element]:
        """All children of that name."""
        return (element for element in self.elements if element.name == name)

    def child(self, name: str) -> Element:
        """The first child of that name; raises `OutlineError` where there is none."""
        found = next(self.children(name), None)
        if found is None:
            raise self.fault(f"element {self.name} has no {name}")
        return found

    def model(self) -> Element:
        """The first child that has a mining schema, which is what PMML calls a model; raises `OutlineError` if none."""
        found = next((element for element in self.elements if any(element.children(_SCHEMA))), None)
        if found is None:
            raise self.fault("the file has no model with a MiningSchema")
        return found

    @overload
    def get(self, attribute: str) -> str | None: ...
    @overload
    def get(self, attribute: str, default: str) -> str: ...
    def get(self, attribute: str, default: str | None = None) -> str | None:
        """An attribute's text, or the default."""
        return self.attributes.get(attribute, default)

    def need(self, attribute: str) -> str:
        """An attribute's text; raises `OutlineError` where it is not given."""
        if attribute not in self.attributes:
            raise self.fault(f"element {self.name} has no attribute {attribute}")
        return self.attributes[attribute]

    def number(self, attribute: str, default: float | None = None) -> float:
        """An attribute's number; raises `OutlineError` where it is none, or is not given and has no default."""
        text = self.attributes.get(attribute) if default is not None else self.need(attribute)
        try:
            return default if text is None and default is not None else float(text or "")
        except ValueError:
            raise self.fault(f"element {self.name} has {attribute} {text!r}, expected a number") from None


def outline(data: bytes, model_parts: frozenset[str] = frozenset(), *, whole: bool = True) -> Element:
    """The root element with the parts we need below it, and those of each model that are asked for.

    Without ``whole`` nothing is read after the first model's mining schema, so that a large file costs no time.

    Raises `OutlineError` where the bytes are no XML, no PMML, not UTF-8, or have a document type.
    """
    try:
        data.decode("utf-8")  # the engine reads every file as UTF-8, whatever the file declares
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        msg = f"the file is not UTF-8: it has byte {data[error.start]:#04x}"
        raise OutlineError(msg, line, column) from error
    builder = _Builder(model_parts, whole=whole)
    try:
        builder.parser.Parse(data, True)
    except _EnoughError:
        pass
    except expat.ExpatError as error:
        msg = f"the file is no XML: {expat.ErrorString(error.code)}"
        raise OutlineError(msg, error.lineno, error.offset + 1) from error
    if builder.root is None or builder.root.name != "PMML":
        found = "nothing" if builder.root is None else builder.root.name
        msg = f"expected the root element PMML, got {found}"
        raise OutlineError(msg, *((builder.root.line, builder.root.column) if builder.root else (1, 1)), element=found)
    return builder.root


def parser() -> expat.XMLParserType:
    """A parser that gives local names after a space and refuses document types."""
    made = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_facts: object) -> None:
        msg = "the file has a document type declaration, which PMML does not need and which is not accepted"
        raise OutlineError(msg, made.CurrentLineNumber, made.CurrentColumnNumber + 1)

    made.StartDoctypeDeclHandler = refuse
    return made


class _EnoughError(Exception):
    """Ends the reading: there is nothing more to know."""


class _Builder:
    """Builds elements at the paths that matter; everything else is only counted, to know the depth."""

    def __init__(self, model_parts: frozenset[str], *, whole: bool) -> None:
        self.root: Element | None = None
        self._whole = whole
        self._parts = model_parts
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        if model_parts:
            self.parser.buffer_text = True
            self.parser.CharacterDataHandler = self._text
        self._open: list[Element] = []
        self._skipped = 0

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        if self._skipped or not self._wanted(name):
            self._skipped += 1
            return
        place = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        element = Element(name, attributes, line=place[0], column=place[1])
        if self._open:
            self._open[-1].elements.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _wanted(self, name: str) -> bool:
        if len(self._open) < 2:  # noqa: PLR2004 (the root and its children: models are known by their mining schema)
            return True
        first, *path = [element.name for element in self._open[1:]]
        part = path[0] if path else name
        header = first == "Header" and bool(self._parts)
        return header or first == _DICTIONARY or part == _SCHEMA or part in self._parts

    def _end(self, _name: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        ended = self._open.pop()
        if ended.name == _SCHEMA and not self._whole:
            raise _EnoughError

    def _text(self, text: str) -> None:
        if not self._skipped and self._open:
            self._open[-1].text += text
