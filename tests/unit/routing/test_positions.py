"""Where in its text a routing document has its faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import RoutingDocumentError
from penstock.routing.document import load
from penstock.routing.positions import examine, with_version
from penstock.testing import builders

ROOT = Path(__file__).parents[3]
#: The documents that ship, in YAML and as JSON.
SOUND = [
    text
    for path in (ROOT / "config" / "routing.yaml", ROOT / "config" / "examples" / "rollout.yaml")
    for text in (path.read_bytes(), load(path).model_dump_json(exclude_none=True).encode())
]
FAULTY = """\
version: one
sources:
  - {topic: events, format: jsn, type: {field: type}}
routes:
  - name: iris
    match: {type: iris}
    modle: iris-tree
    output:
      topic: events
models:
  iris-tree: {job: pmml}
"""


def places(text: str | bytes) -> list[tuple[int | None, int | None, str]]:
    """Line, column and path of each fault."""
    return [(at and at.line, at and at.column, fault.path) for fault, at in examine(text).faults]


def test_every_fault_has_line_and_column() -> None:
    """A value's own, a wrong key's own, and of what is missing the part that should have it."""
    assert places(FAULTY) == [
        (1, 10, "version"),
        (3, 29, "sources[0].format"),
        (5, 5, "routes[0].model"),
        (7, 5, "routes[0].modle"),
        (9, 14, "routes[0].output.topic"),
    ]


def test_fault_says_position_path_and_nearest_name() -> None:
    """In the order in which an editor wants them."""
    assert str(examine(FAULTY).faults[3]) == "7:5: routes[0].modle: unknown key 'modle'; did you mean 'model'?"


def test_json_has_positions_too() -> None:
    """Also with tabs between its parts, and with halves of characters, which YAML does not know."""
    plain = builders.document().model_dump(mode="json", exclude_none=True) | {"version": 0}
    plain["routes"][0]["output"]["topic"] = "x\U0001f600"
    text = json.dumps(plain, indent="\t")

    assert "\\ud83d" in text
    assert [place[0] for place in places(text)] == [
        number for number, line in enumerate(text.splitlines(), 1) if '"version"' in line or "ud83d" in line
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("version: 1\nroutes: [", 3, "is not YAML"),
        ("version: 1\nversion: 2\n", 2, "this key stands twice"),
        ('{"version": 1,\n "version": 2}', 2, "this key stands twice"),
        ('{"a": {"b": 1,\n\n "b": 2}}', 3, "this key stands twice"),
    ],
)
def test_text_that_cannot_be_read_says_where(text: str, line: int, said: str) -> None:
    """The place where reading ended."""
    ((fault, at),) = examine(text).faults

    assert at
    assert at.line == line
    assert said in fault.message


def test_parts_that_an_alias_brings_are_found_where_they_are_written() -> None:
    """A fault below an anchor is mended at the anchor."""
    text = FAULTY.replace("output:", "output: &out").replace("topic: events\n", "topic: 'a b'\n", 1)

    assert (9, 14, "routes[0].output.topic") in places(text)


@pytest.mark.parametrize(
    "text",
    [
        "&a [*a]",
        "&a {<<: *a, version: one}",
        "- &a0 [x]\n" + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
        "version: one\nx:\n- &a0 {k: 1}\n"
        + "".join(f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))
        + "<<: *a11\n",
    ],
)
def test_aliases_that_lead_back_or_multiply_are_looked_at_once(text: str) -> None:
    """Whoever went through all that they stand for would never come to an end."""
    assert examine(text).faults


@given(st.one_of(st.text(), st.binary()))
def test_no_text_makes_it_fail(text: str | bytes) -> None:
    """It finds at least one fault in whatever is no document."""
    document, faults = examine(text)

    assert document is None
    assert faults


@given(
    text=st.sampled_from(SOUND),
    cut=st.floats(0, 1),
    gone=st.integers(0, 40),
    put=st.binary(max_size=5) | st.sampled_from([b"[", b"{", b"&a", b"*a", b"!!python/name:os", b"\t", b"\0", b"- "]),
)
def test_no_text_that_was_sound_makes_it_fail(text: bytes, cut: float, gone: int, put: bytes) -> None:
    """Cut off, with something left out or put in: it is still a document, or its faults are told."""
    at = int(cut * len(text))

    for broken in (text[:at], text[:at] + put + text[at + gone :]):
        document, faults = examine(broken)
        assert (document is None) == bool(faults)


def test_sound_document_has_no_faults() -> None:
    """And comes back as it is."""
    document = builders.document()

    assert examine(document.model_dump_json(exclude_none=True)) == (document, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# one\nversion: 1 # first\nroutes: []\n", "# one\nversion: 12 # first\nroutes: []\n"),
        ('{"routes": [{"version": 3}], "version": 7}', '{"routes": [{"version": 3}], "version": 12}'),
        ("{version: 7, routes: 'ü'}", "{version: 12, routes: 'ü'}"),
    ],
)
def test_version_is_replaced_and_nothing_else(text: str, expected: str) -> None:
    """Comments and layout stay."""
    assert with_version(text, 12) == expected


def test_demo_document_can_be_renumbered() -> None:
    """Only its version is another."""
    demo_text = (Path(__file__).parents[3] / "config" / "routing.yaml").read_text(encoding="utf-8")

    assert load(with_version(demo_text, 9)).model_copy(update={"version": 1}) == load(demo_text)


def test_version_without_a_place_of_its_own_is_refused() -> None:
    """There is nothing that could be replaced."""
    with pytest.raises(RoutingDocumentError, match="version: stands in no place of its own"):
        with_version("[1]", 2)
