"""The predecessor's control messages."""

import json

import pytest

from penstock.errors import LegacyError
from penstock.models.legacy import Kind, LegacyOperation, operations
from penstock.models.ref import ModelRef

UUID = "8400fb1b-9a4d-4f9b-9d2f-2b6f8f5f0a11"
REF = ModelRef(UUID, 1)
ADD = {"name": UUID, "version": 1, "path": "hdfs://models/a.pmml", "occurredOn": 5}
DELETE = {"name": UUID, "version": 1, "occurredOn": 6}
BOTH = [LegacyOperation(Kind.ADD, REF, "hdfs://models/a.pmml", 5), LegacyOperation(Kind.DELETE, REF, None, 6)]


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(ADD)}\n\n{json.dumps(DELETE)}\r\n",
        json.dumps([ADD, DELETE]),
        "\ufeff \n" + json.dumps([ADD, DELETE], indent=2),
    ],
)
def test_lines_and_arrays_are_read(text: str) -> None:
    """In the order of the file; a path makes an add."""
    assert operations(text) == BOTH


def test_empty_file() -> None:
    """It asks for nothing."""
    assert operations("\n") == operations("[]") == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "AddMessage"}, Kind.ADD),
        ({"action": "add"}, Kind.ADD),
        ({"type": "DelMessage"}, Kind.DELETE),
        ({"type": "com.example.control.DelMessage"}, Kind.DELETE),
        ({"action": "delete", "path": None}, Kind.DELETE),
    ],
)
def test_kind_may_be_said(changes: dict[str, object], kind: Kind) -> None:
    """It wins over the path."""
    (found,) = operations(json.dumps(ADD | changes))
    assert (found.kind, found.path is None) == (kind, kind is Kind.DELETE)


@pytest.mark.parametrize("key", ["occurredOn", "occurred_on", "time"])
def test_time_has_several_names(key: str) -> None:
    """Or is not there at all."""
    assert operations(json.dumps({"name": UUID, "version": 1, key: 7}))[0].at == 7
    assert operations(json.dumps({"name": UUID, "version": 1}))[0].at is None


def test_name_may_have_the_version() -> None:
    """As the predecessor's model ids did."""
    assert operations(json.dumps({"name": f"{UUID}_1"}))[0].ref == REF


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "expected an object, got list"),
        ({**ADD, "nme": 1}, "key 'nme' is unknown; a message has name, version"),
        ({"version": 1}, "name: expected text, a UUID, got null"),
        ({**ADD, "name": "a b"}, "name: 'a b' is no model ref"),
        ({**ADD, "version": None}, "version: expected a whole number from 0 to 9{18}, got None"),
        ({**ADD, "version": True}, "version: expected a whole number from 0 to 9{18}, got True"),
        ({**ADD, "version": -1}, "version: expected a whole number from 0 to 9{18}, got -1"),
        ({**ADD, "name": f"{UUID}_2"}, "name says version 2, version says 1"),
        ({**ADD, "path": ""}, "path: expected a path or a URI, got ''"),
        ({**ADD, "type": "move"}, "type: expected add, delete, AddMessage or DelMessage, got 'move'"),
        ({**DELETE, "type": "add"}, "type says 'add', but the message has no path"),
        ({**ADD, "time": 4}, "keys 'occurredOn' and 'time' mean the same"),
        ({**DELETE, "occurredOn": "now"}, "occurredOn: expected milliseconds since 1970, got 'now'"),
    ],
)
def test_fault_is_told_with_its_line(tree: object, message: str) -> None:
    """Nothing of the file is carried out; its author finds the place."""
    with pytest.raises(LegacyError, match=f"^line 3: {message}"):
        operations(f"{json.dumps(ADD)}\n\n{json.dumps(tree)}")
    with pytest.raises(LegacyError, match=f"^line 1: message 2 of the array: {message}"):
        operations(json.dumps([ADD, tree]))


@pytest.mark.parametrize("text", ["{", "[1", "nonsense"])
def test_what_is_no_json(text: str) -> None:
    """It is told too."""
    with pytest.raises(LegacyError, match="line 2: expected a message in JSON"):
        operations(f"\n{text}")
