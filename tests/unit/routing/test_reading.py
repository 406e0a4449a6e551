"""Reading: no text, however strange, crashes whoever follows the control topic, or keeps it busy."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import RoutingDocumentError
from penstock.routing.document import load
from penstock.routing.reading import _Loader, plain_data
from penstock.testing.builders import document

DOCUMENT = document().model_dump_json()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary() | st.text() | json_values.map(json.dumps) | json_values.map(yaml.safe_dump))
def test_any_text_is_a_document_or_at_fault(text: str | bytes) -> None:
    """And nothing else."""
    with contextlib.suppress(RoutingDocumentError):
        load(text)


@given(st.data())
def test_a_document_that_was_cut_or_spoilt_is_at_fault_or_sound(data: st.DataObject) -> None:
    """As a writer that fails half-way leaves it, or a disk."""
    text = bytearray(DOCUMENT.encode())
    del text[data.draw(st.integers(0, len(text))) :]
    for place in data.draw(st.lists(st.integers(0, max(len(text) - 1, 0)), max_size=3)) if text else ():
        text[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RoutingDocumentError):
        load(bytes(text))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (b"\xff\xfe", "is not text in UTF-8: "),
        ("a: [", "is not YAML: "),
        ('{"a": 1, "a": 2}', "cannot be read: key 'a' stands twice"),
        ('{"a": NaN}', "cannot be read: NaN is no number"),
        ('{"a": ' + "9" * 5_000 + "}", "cannot be read: "),
        ("a: " + "9" * 5_000, "cannot be read: "),
        ("a: 0x" + "f" * 5_000, "cannot be read: "),
        ("[" * 100_000, "is nested too deep: at most 100 levels are read"),
        ('{"a":' * 100_000, "is nested too deep"),
        ("- " * 100_000 + "a", "is nested too deep"),
        ("[" * 200 + "]" * 200, "is nested too deep"),
        ('{"a":' * 200 + "1" + "}" * 200, "is nested too deep"),
        ("a: &a [*a]", "cannot be read: an alias leads back to where it stands"),
        (
            "a0: &a0 [1, 2, 3]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)),
            "cannot be read: with its aliases written out it has more than 5000000 parts",
        ),
        (
            "a0: &a0 {"
            + ", ".join(f"k{n}: 1" for n in range(1_000))
            + "}\na1: {<<: ["
            + ", ".join(["*a0"] * 1_000)
            + "]}\n",
            "cannot be read: its merges bring more than 1000000 keys",
        ),
        ("a: {<<: [b]}", "is not YAML: expected a mapping to merge in"),
        ("? [a]\n: 1", "is not YAML: while constructing a mapping"),
        ("!!python/object:os.system {}", "is not YAML: could not determine a constructor"),
    ],
)
def test_text_that_is_not_worth_the_work_is_refused(text: str | bytes, finding: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(RoutingDocumentError) as caught:
        plain_data(text)

    assert caught.value.faults[0].startswith(f"the document {finding}")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", ""), ('{"a":', "}")])
def test_text_is_read_as_deep_as_is_promised(opening: str, closing: str) -> None:
    """And no deeper."""
    plain_data(opening * 100 + "1" + closing * 100)
    with pytest.raises(RoutingDocumentError, match="is nested too deep: at most 100 levels are read"):
        plain_data(opening * 101 + "1" + closing * 101)


def test_a_key_of_its_own_wins_over_merged_ones_and_of_these_the_first() -> None:
    """As YAML has it: a default that is merged in may be overridden."""
    text = "a: &a {x: 1, y: 1, z: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*b, *a], z: 3}\n"

    assert plain_data(text) == {
        "a": {"x": 1, "y": 1, "z": 1},
        "b": {"x": 1, "y": 2, "z": 1},
        "c": {"x": 1, "y": 2, "z": 3},
    }


def test_merges_of_merges_are_read_in_no_time() -> None:
    """Each level would be ten times as large as the one below, were keys that are there already merged in again."""
    levels = "".join(f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 12))

    assert plain_data(f"x:\n- &a0 {{k: 1}}\n{levels}<<: *a11\n") == {"x": [{"k": 1}] * 12, "k": 1}


def test_json_is_read_as_json() -> None:
    """YAML would take these characters apart, or refuse the tab."""
    assert plain_data('{\t"a": "\\ud83d\\ude00"}') == {"a": "😀"}
    assert plain_data(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_yaml_may_begin_with_a_brace() -> None:
    """It is tried as JSON first."""
    assert plain_data("{a: 1, b: [x]}") == {"a": 1, "b": ["x"]}


#: Scalars of all kinds, and what makes a text uncommon.
YAML_SCALARS = (
    *(
        "a",
        "'a'",
        '"\\n"',
        "''",
        "1",
        "0x1F",
        "0o7",
        "1:30",
        "1.5",
        ".inf",
        "1e3",
        "2026-01-02",
        "yes",
        "true",
        "null",
        "~",
    ),
    *("-", "=", "<<", "&x a", "*x", "!!str 1", "! 1", "!!set {a}", "|\n  a\n  b"),
)
yaml_values = st.recursive(
    st.sampled_from(YAML_SCALARS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda pairs: f"{{{', '.join(f'? {key} : {found}' for key, found in pairs)}}}"
        )
    ),
    max_leaves=8,
)


@given(st.lists(yaml_values, max_size=3).map(lambda parts: "".join(f"- {part}\n" for part in parts)) | yaml_values)
def test_yaml_says_what_its_loader_says(text: str) -> None:
    """What is read the quick way, and what is not, is read alike."""
    try:
        expected = yaml.load(text, _Loader)  # noqa: S506 the reader's own
    except (yaml.YAMLError, ValueError):
        with pytest.raises(RoutingDocumentError, match="the document"):
            plain_data(text)
        return

    try:
        found = plain_data(text)
    except RoutingDocumentError as error:
        assert "alias" in str(error) or "stands twice" in str(error)  # noqa: PT017 both refusals are this reader's
    else:
        assert repr(found) == repr(expected)


def test_half_characters_are_refused_with_their_place() -> None:
    """No header could carry them."""
    text = DOCUMENT.replace('"iris-results"', '"iris-\\ud800"')

    with pytest.raises(RoutingDocumentError, match=r"routes\[0\].output.topic: 'iris-\\ud800' has half of a character"):
        load(text)
