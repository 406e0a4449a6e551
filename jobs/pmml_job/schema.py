"""PMML's own XML schema: which elements and attributes stand where, and what is a number.

Java's validator reads it, in the engine's own machine, so that nothing has to be installed for it; it streams, and it
knows the line and column of every fault. The schema comes out of the jar that pom.xml names.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import jpype

from penstock.models.findings import Finding, Severity

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RULE", "validate"]

RULE = "the file is as PMML's schema says"
_NAMESPACE = re.compile(rb"http://www\.dmg\.org/PMML-[34]_\d(?:_\d)?(?=[\"'])")
_SCHEMA_NAMESPACE = "http://www.dmg.org/PMML-4_4"
_OUTPUT_FIELD = '<xs:element name="OutputField">'
_TYPE = '<xs:attribute name="dataType" type="DATATYPE" use="required"/>'
#: Versions before 4.3: an output need not say its type.
_UNTYPED = re.compile(r"PMML-(3_|4_[0-2])")
_EXTENSIONS = '<xs:element ref="Extension" minOccurs="0" maxOccurs="unbounded"/>'
# sklearn2pmml lists the values of an output there; the engine passes over them.
_OUTPUT_VALUES = '<xs:element ref="Value" minOccurs="0" maxOccurs="unbounded"/>'
_XML_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_LONGEST = 300
_ROOT = 4096  # bytes in which the root's start tag ends


class _Complaint(NamedTuple):
    line: int
    column: int
    text: str


class _Listener:
    """Takes the validator's complaints; going on after each lets it tell them all."""

    def __init__(self, most: int) -> None:
        self.told: list[_Complaint] = []
        self._most = most

    def error(self, exception: Any) -> None:
        """Keep what is wrong; two of one place say the same, the later one says more."""
        where = int(exception.getLineNumber()), int(exception.getColumnNumber())
        if self.told and self.told[-1][:2] == where:
            self.told.pop()
        if len(self.told) < self._most:
            self.told.append(_Complaint(*where, str(exception.getMessage())))

    fatalError = error  # noqa: N815 (Java's name)

    def warning(self, exception: Any) -> None:
        """Pass over what is no fault."""


def validate(path: Path, data: bytes, schema: Path, *, lax: bool, most: int) -> list[Finding]:
    """Compare a well-formed file with the schema in the jars of folder ``schema``; Java runs already.

    Files of PMML 3.2 to 4.3 are compared with the schema of 4.4, in which nearly all of theirs is right; what was right
    only then is let pass.
    """
    severity = Severity.WARNING if lax else Severity.ERROR
    found = _NAMESPACE.search(data[:_ROOT])
    if found is None:
        return [
            Finding(
                line=1,
                column=1,
                element="PMML",
                rule=RULE,
                found="the root element has no namespace of PMML 3.0 to 4.4",
                advice=f"write xmlns={_SCHEMA_NAMESPACE!r} and version='4.4' into it; --lax takes the file as it is",
                severity=severity,
            )
        ]
    listener = _Listener(most)
    validator = _compiled(_text(schema), found.group().decode())
    validator.setErrorHandler(jpype.JProxy("org.xml.sax.ErrorHandler", inst=listener))
    validator.validate(jpype.JClass("javax.xml.transform.stream.StreamSource")(jpype.JClass("java.io.File")(str(path))))
    return [_finding(complaint, data, severity) for complaint in listener.told]


def _text(folder: Path) -> str:
    """The schema's text; raises `FileNotFoundError` where no jar has it."""
    for jar in sorted(folder.glob("pmml-model-*.jar")):
        with zipfile.ZipFile(jar) as archive:
            return archive.read("pmml.xsd").decode("utf-8")
    msg = f"{str(folder)!r} has no pmml-model-*.jar"
    raise FileNotFoundError(msg)


def _compiled(text: str, namespace: str) -> Any:
    head, name, tail = text.replace(_SCHEMA_NAMESPACE, namespace).partition(_OUTPUT_FIELD)
    if _UNTYPED.search(namespace):
        tail = tail.replace(_TYPE, _TYPE.replace(' use="required"', ""), 1)
    text = head + name + tail.replace(_EXTENSIONS, _EXTENSIONS + _OUTPUT_VALUES, 1)
    factory = jpype.JClass("javax.xml.validation.SchemaFactory").newInstance(_XML_SCHEMA)
    for door in ("accessExternalDTD", "accessExternalSchema"):
        factory.setProperty(f"http://javax.xml.XMLConstants/property/{door}", "")
    source = jpype.JClass("javax.xml.transform.stream.StreamSource")(jpype.JClass("java.io.StringReader")(text))
    return factory.newSchema(source).newValidator()


def _finding(complaint: _Complaint, data: bytes, severity: Severity) -> Finding:
    line, column, element = _tag(data, complaint.line, complaint.column)
    return Finding(
        line=line,
        column=column,
        element=element,
        rule=RULE,
        found=_plain(complaint.text),
        advice="correct the file, or its exporter; --lax lets this pass",
        severity=severity,
    )


def _tag(data: bytes, line: int, column: int) -> tuple[int, int, str]:
    """Where the tag begins that ends at a place, and of which element it is."""
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
    row = data[start : data.find(b"\n", start) if b"\n" in data[start:] else len(data)]
    end = start + len(row.decode("utf-8", "replace")[: column - 1].encode("utf-8"))
    opening = data.rfind(b"<", 0, end)
    name = re.match(rb"</?(?:[\w.-]+:)?([\w.-]+)", data[opening : opening + 200])
    if opening < 0 or name is None:
        return line, column, ""
    before = data[data.rfind(b"\n", 0, opening) + 1 : opening].decode("utf-8", "replace")
    return data.count(b"\n", 0, opening) + 1, len(before) + 1, name.group(1).decode()


def _plain(text: str) -> str:
    """The validator's words without its own numbers, and without the namespace before every name."""
    plain = re.sub(r'"http://www\.dmg\.org/PMML-[^"]*":', "", re.sub(r"^[\w-]+(\.[\w.]+)?: ", "", text))
    plain = re.sub(r"[{}]", "", plain).strip().rstrip(".")
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]} ..."
