"""A PMML file's outline: the data dictionary and the first model's mining schema, read without building the rest.

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

__all__ = ["Element", "outline"]

_DICTIONARY = "DataDictionary"
_SCHEMA = "MiningSchema"


@dataclass(slots=True)
class Element:
    """An XML element by its local name: PMML's namespace differs with its version and means nothing to us."""

    name: str
    attributes: dict[str, str]
    elements: list[Element] = field(default_factory=list)

    def children(self, name: str) -> Iterator[Element]:
        """All children of that name."""
        return (element for element in self.elements if element.name == name)

    def child(self, name: str) -> Element:
        """The first child of that name; raises `ValueError` where there is none."""
        found = next(self.children(name), None)
        if found is None:
            msg = f"element {self.name} has no {name}"
            raise ValueError(msg)
        return found

    def model(self) -> Element:
        """The first child that has a mining schema, which is what PMML calls a model; raises `ValueError` if none."""
        found = next((element for element in self.elements if any(element.children(_SCHEMA))), None)
        if found is None:
            msg = "the file has no model with a MiningSchema"
            raise ValueError(msg)
        return found

    @overload
    def get(self, attribute: str) -> str | None: ...
    @overload
    def get(self, attribute: str, default: str) -> str: ...
    def get(self, attribute: str, default: str | None = None) -> str | None:
        """An attribute's text, or the default."""
        return self.attributes.get(attribute, default)

    def need(self, attribute: str) -> str:
        """An attribute's text; raises `ValueError` where it is not given."""
        if attribute not in self.attributes:
            msg = f"element {self.name} has no attribute {attribute}"
            raise ValueError(msg)
        return self.attributes[attribute]


def outline(data: bytes) -> Element:
    """The root element with the parts we need below it.

    Raises `ValueError` where the bytes are no XML, no PMML, not UTF-8, or have a document type.
    """
    try:
        data.decode("utf-8")  # the engine reads every file as UTF-8, whatever the file declares
    except UnicodeDecodeError as error:
        msg = f"the file is not UTF-8: {error}"
        raise ValueError(msg) from error
    builder = _Builder()
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        msg = f"the file is no XML: {error}"
        raise ValueError(msg) from error
    if builder.root is None or builder.root.name != "PMML":
        found = "nothing" if builder.root is None else builder.root.name
        msg = f"expected the root element PMML, got {found}"
        raise ValueError(msg)
    return builder.root


class _Builder:
    """Builds elements at the paths that matter; everything else is only counted, to know the depth."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._open: list[Element] = []
        self._skipped = 0

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        if self._skipped or not self._wanted(name):
            self._skipped += 1
            return
        element = Element(name, attributes)
        if self._open:
            self._open[-1].elements.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _wanted(self, name: str) -> bool:
        match [element.name for element in self._open]:
            case [] | [_]:
                return True  # the root and its children: the models among them are known by their mining schema
            case [_, parent]:
                return parent == _DICTIONARY or name == _SCHEMA
            case path:
                return _DICTIONARY in path or _SCHEMA in path

    def _end(self, _name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        else:
            self._open.pop()

    def _refuse(self, *_facts: object) -> None:
        msg = "the file has a document type declaration, which PMML does not need and which is not accepted"
        raise ValueError(msg)
