"""One walk over all of a PMML file: each element is shown to the rules that speak of it, with what it stands in.

Only the path to the element that is open is kept, so that a file of any size takes little memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from jobs.pmml_job.outline import parser
from penstock.models.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Breach", "Node", "Rule", "Survey", "survey"]

# Where a field is named, by element and attribute. Fields of training instances may be of the file only.
_REFERENCES = {
    "BayesInput": "fieldName",
    "CategoricalPredictor": "name",
    "ClusteringField": "field",
    "Discretize": "field",
    "FieldColumnPair": "field",
    "FieldRef": "field",
    "KNNInput": "field",
    "MiningField": "name",
    "NormContinuous": "field",
    "NormDiscrete": "field",
    "NumericPredictor": "name",
    "Predictor": "name",
    "SimplePredicate": "field",
    "SimpleSetPredicate": "field",
    "TextIndex": "textField",
}
_DECLARATIONS = frozenset({"DataField", "DefineFunction", "DerivedField", "OutputField", "ParameterField"})


@dataclass(slots=True, eq=False)
class Node:
    """An element that is open, or was."""

    name: str
    attributes: dict[str, str]
    line: int
    column: int
    parent: Node | None
    first: dict[str, Node] = field(default_factory=dict)
    """The first child of each name, as far as they were seen."""
    features: dict[str, Node] = field(default_factory=dict)
    """Of a model: its outputs, the first of each feature."""
    marks: set[str] | None = None
    """What rules noted of it for one another."""

    def mark(self, text: str) -> None:
        """Note something for the rules of the elements around this one."""
        if self.marks is None:
            self.marks = set()
        self.marks.add(text)

    def marked(self, start: str) -> list[str]:
        """What was noted that starts like this, in order."""
        return sorted(mark for mark in self.marks or () if mark.startswith(start))

    def get(self, attribute: str, default: str = "") -> str:
        """An attribute's text, or the default."""
        return self.attributes.get(attribute, default)

    def inside(self, name: str) -> Node | None:
        """The nearest element of that name that this one stands in."""
        node = self.parent
        while node is not None and node.name != name:
            node = node.parent
        return node

    def root(self) -> Node:
        """The outermost element."""
        node = self
        while node.parent is not None:
            node = node.parent
        return node

    def model(self) -> Node | None:
        """The nearest model that this element stands in: PMML has a mining schema at the start of each."""
        node = self.parent
        while node is not None and "MiningSchema" not in node.first:
            node = node.parent
        return node


Breach: TypeAlias = "str | tuple[Node, str] | None"
"""What was found against a rule: in words, with the element where it is another one; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What has to be so with the elements of some names; asked when such an element ends."""

    elements: tuple[str, ...]
    says: str
    advice: str
    find: Callable[[Node], Breach]
    severity: Severity = Severity.ERROR


@dataclass(slots=True)
class Survey:
    """What a walk brought."""

    findings: list[Finding]
    named: Mapping[str, Node]
    """Where each field is named first."""
    functions: Mapping[str, Node]
    """Where each function is called first."""
    declared: frozenset[str]
    """Fields and functions that the file declares."""
    models: Sequence[Node]
    """The models that stand at the top of the file."""

    def place(self, name: str) -> Node | None:
        """Where a name that somebody complains of stands in the file."""
        return self.named.get(name) or self.functions.get(name)


def survey(data: bytes, rules: Sequence[Rule], most: int) -> Survey:
    """Walk over a file that is well-formed, and ask the rules; at most ``most`` findings of each are kept."""
    walk = _Walk(rules, most)
    walk.parser.Parse(data, True)
    return Survey(walk.findings, walk.named, walk.functions, frozenset(walk.declared), walk.models)


class _Walk:
    def __init__(self, rules: Sequence[Rule], most: int) -> None:
        self.findings: list[Finding] = []
        self.named: dict[str, Node] = {}
        self.functions: dict[str, Node] = {}
        self.declared: set[str] = set()
        self.models: list[Node] = []
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            for name in rule.elements:
                self._rules.setdefault(name, []).append(rule)
        self._most = most
        self._told: dict[int, int] = {}
        self._open: Node | None = None

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        place = self.parser
        node = Node(name, attributes, place.CurrentLineNumber, place.CurrentColumnNumber + 1, self._open)
        if self._open is not None and name not in self._open.first:
            self._open.first[name] = node
        self._open = node
        if name in _REFERENCES:
            self.named.setdefault(attributes.get(_REFERENCES[name], ""), node)
        elif name in _DECLARATIONS:
            self.declared.add(attributes.get("name", ""))
            if name == "OutputField":
                self._output(node)
        elif name == "Apply":
            self.functions.setdefault(attributes.get("function", ""), node)

    def _output(self, node: Node) -> None:
        model = node.model()
        if model is not None:
            model.features.setdefault(node.get("feature", "predictedValue"), node)

    def _end(self, _name: str) -> None:
        node = self._open
        if node is None:
            return
        for rule in self._rules.get(node.name, ()):
            self._ask(rule, node)
        self._open = node.parent
        if node.parent is not None and node.parent.parent is None and "MiningSchema" in node.first:
            self.models.append(node)

    def _ask(self, rule: Rule, node: Node) -> None:
        breach = rule.find(node)
        if breach is None:
            return
        at, found = breach if isinstance(breach, tuple) else (node, breach)
        told = self._told[id(rule)] = self._told.get(id(rule), 0) + 1
        if told <= self._most:
            self.findings.append(finding(rule.says, at, found, rule.advice, rule.severity))


def finding(says: str, at: Node, found: str, advice: str, severity: Severity = Severity.ERROR) -> Finding:
    """A finding at an element."""
    return Finding(
        line=at.line, column=at.column, element=at.name, rule=says, found=found, advice=advice, severity=severity
    )


_CUT_CONSTANT = re.compile(rb"<(?:[\w.-]+:)?Constant\b[^<>]*>(?:[^<]*&[^<]*<|[^<]*<!\[CDATA\[)")


def cut_constants(data: bytes) -> Iterator[Finding]:
    """Constants of which the engine keeps the last piece only, for XML readers give a text in pieces."""
    for match in _CUT_CONSTANT.finditer(data):
        before = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()].decode("utf-8")
        yield Finding(
            line=data.count(b"\n", 0, match.start()) + 1,
            column=len(before) + 1,
            element="Constant",
            rule="a constant is plain text",
            found="there is a reference (&...;) or CDATA in it: the engine keeps only what follows the last of them",
            advice="write the characters as they are, in UTF-8; compare with another value where it needs & or <",
        )


def undeclared(found: Survey, built_in: frozenset[str]) -> Iterator[Finding]:
    """Fields and functions that the file uses and that nobody declares."""
    for name, node in found.named.items():
        if name and name not in found.declared:
            yield finding(
                "every field is declared",
                node,
                f"{name!r} is the name of no DataField, DerivedField, OutputField or ParameterField",
                "correct the name, or declare the field",
            )
    for name, node in found.functions.items():
        if name not in found.declared and name not in built_in:
            yield finding(
                "every function is built in or defined by the file",
                node,
                f"{name!r} is none of the engine's functions, and no DefineFunction has this name",
                "correct the name, or add a DefineFunction",
            )
