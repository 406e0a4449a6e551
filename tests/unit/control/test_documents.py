"""The state machine of routing documents: last good stays, versions only grow, and no bytes end it."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.control.documents import Documents, LiveDocument, version_of
from penstock.control.messages import Message, Verdict, VerdictKind
from penstock.errors import KafkaUnavailableError, ModelRefError
from penstock.testing import builders


def text(version: int = 1, **changes: object) -> bytes:
    """Return a good document, as JSON."""
    return builders.document(version=version, **changes).model_dump_json(exclude_none=True).encode()


def as_yaml(version: int) -> bytes:
    """Return a good document, as YAML with its version last."""
    plain = json.loads(text(version))
    plain["version"] = plain.pop("version")
    return yaml.safe_dump(plain, sort_keys=False).encode()


def offered(*values: bytes | None) -> tuple[Documents, list[Verdict]]:
    """Offer messages one by one."""
    documents = Documents()
    return documents, [documents.offer(value, 1_000 + offset, offset) for offset, value in enumerate(values)]


def messages(*values: bytes | None) -> list[Message]:
    """Return messages as they stand on a topic."""
    return [Message(value=value, published_ms=1_000 + offset, offset=offset) for offset, value in enumerate(values)]


def in_force(documents: Documents) -> tuple[int, int] | None:
    """Return version and offset of the document in force."""
    current = documents.current
    return (current.version, current.offset) if current else None


OTHER = {"unmatched": "drop"}
BROKEN = [None, b"", b"\xff\xfe", b"version: 9", b"version: 9\nroutes: [", b"[]", b"null", b"- version: 1", b"9"]
#: Documents good and bad: few versions, so that they meet.
SOME = st.one_of(
    st.sampled_from(BROKEN),
    st.integers(1, 6).map(text),
    st.integers(1, 6).map(as_yaml),
    st.integers(1, 6).map(lambda version: text(version, **OTHER)),
    st.integers(1, 6).map(lambda version: text(version)[:-1]),
)


def test_first_good_document_is_applied() -> None:
    """With its text, its time and its place."""
    documents, (verdict,) = offered(text(3))

    assert verdict == Verdict(kind=VerdictKind.APPLIED, offset=0, version=3)
    assert documents.current == LiveDocument(
        document=builders.document(version=3), text=text(3).decode(), published_ms=1_000, offset=0
    )


@pytest.mark.parametrize("value", [text(2), as_yaml(2), b"\xef\xbb\xbf" + text(2), b"# mine\n" + as_yaml(2)])
def test_any_form_of_a_document_is_taken(value: bytes) -> None:
    """JSON or YAML, with a byte order mark, with comments."""
    documents, (verdict,) = offered(value)

    assert verdict.kind is VerdictKind.APPLIED
    assert in_force(documents) == (2, 0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, "the message has no value; a document is replaced by a newer one", id="tombstone"),
        pytest.param(b"\xff", "the message is not UTF-8", id="bytes"),
        pytest.param(b"a: [", "the document is not YAML", id="half"),
        pytest.param(b"version: 9", "sources: is missing", id="empty"),
        pytest.param(text(4), "version: 4 is not above 5, which is in force; raise it to 6 or more", id="stale"),
        pytest.param(text(5, **OTHER), "version: 5 is in force already, with another content", id="taken"),
        pytest.param(b"x: " + 5_000 * b"1", "the document cannot be read", id="odd"),
    ],
)
def test_last_good_document_stays(value: bytes | None, reason: str | tuple[str, ...]) -> None:
    """What is no good document, or no newer one, is told with its reason and changes nothing."""
    documents, (_, verdict) = offered(text(5), value)

    assert verdict.kind is VerdictKind.REJECTED
    assert any(each.startswith(reason) for each in verdict.reasons), verdict.reasons
    assert in_force(documents) == (5, 0)


def test_every_fault_is_told() -> None:
    """A document with several faults is rejected with all of them, and with the version that it would have had."""
    _, (verdict,) = offered(text(8).replace(b'"sources"', b'"source"').replace(b'"routes"', b'"rout"'))

    assert len(verdict.reasons) == 4
    assert verdict.version == 8


def test_duplicate_is_no_fault() -> None:
    """The same document again, in whichever form, is neither applied nor rejected."""
    documents, (_, verdict) = offered(text(5), as_yaml(5))

    assert verdict == Verdict(kind=VerdictKind.DUPLICATE, offset=1, version=5)
    assert in_force(documents) == (5, 0)


@pytest.mark.parametrize(
    ("error", "reason", "passing"),
    [
        pytest.param(ModelRefError("a b", "no blanks"), "'a b' is no model ref: no blanks", False, id="wrong"),
        pytest.param(KafkaUnavailableError("a:1", "gone"), "no Kafka broker answers at 'a:1'", True, id="away"),
        pytest.param(ZeroDivisionError("oh"), "unexpected ZeroDivisionError: oh", False, id="bug"),
    ],
)
def test_document_that_cannot_be_applied_is_rejected(error: Exception, reason: str, passing: bool) -> None:  # noqa: FBT001
    """Whatever is raised when it is put in force, the last good one stays; what may pass is marked as such."""
    documents, _ = offered(text(5))

    def fail(live: LiveDocument) -> None:
        raise error

    verdict = documents.offer(text(6), 0, 1, fail)

    assert verdict.kind is VerdictKind.REJECTED
    assert verdict.reasons[0].startswith(reason)
    assert verdict.passing is passing
    assert in_force(documents) == (5, 0)


def test_earlier_versions_are_remembered() -> None:
    """What was in force can be asked for, what was not cannot, and not for ever."""
    documents = Documents(remembered=2)
    for offset, value in enumerate((text(2), text(4), text(3), text(7))):
        documents.offer(value, 0, offset)

    assert {number: documents.version(number) is not None for number in (2, 3, 4, 7, 8)} == {
        2: False,
        3: False,
        4: True,
        7: True,
        8: False,
    }


def test_earlier_versions_take_little_memory() -> None:
    """Two hundred documents of ten thousand routes would be gigabytes; what is asked for is read again."""
    documents = Documents()
    for version in range(1, 41):
        documents.offer(text(version), 1_000, version)

    found = [documents.version(version) for version in range(1, 41)]

    assert [(live.version, live.offset, live.published_ms) for live in found if live] == [
        (version, version, 1_000) for version in range(1, 41)
    ]
    assert len(documents._held) <= 4


def test_recovery_reads_one_document_only() -> None:
    """The newest good one is applied once, earlier ones are there when they are asked for."""
    applied = []
    documents = Documents()

    verdicts = documents.recover(
        messages(text(2), b"broken", text(5), text(3), b"version: 9"), lambda live: applied.append(live.version)
    )

    assert applied == [5]
    assert [(verdict.offset, verdict.kind.value) for verdict in verdicts] == [(2, "applied"), (4, "rejected")]
    assert verdicts[1].version == 9
    earlier = documents.version(2)
    assert earlier
    assert earlier.offset == 0


def test_recovery_falls_back_where_the_newest_cannot_be_applied() -> None:
    """The one before it is applied, and what stands in the way is told."""
    documents = Documents()

    def fail(live: LiveDocument) -> None:
        if live.version == 3:
            raise ModelRefError("x", "no")

    verdicts = documents.recover(messages(text(2), text(3)), fail)

    assert [(verdict.version, verdict.kind.value) for verdict in verdicts] == [(2, "applied"), (3, "rejected")]
    assert in_force(documents) == (2, 0)


def test_recovery_of_nothing_is_nothing() -> None:
    """An empty topic, or one with nothing good on it."""
    empty, broken = Documents(), Documents()

    assert empty.recover([]) == []
    assert [verdict.offset for verdict in broken.recover(messages(b"[", b""))] == [1]
    assert (empty.current, broken.current) == (None, None)


@pytest.mark.parametrize(
    ("value", "version"),
    [
        pytest.param(text(12), 12, id="json"),
        pytest.param(as_yaml(12), 12, id="last key"),
        pytest.param(b"# x\n---\n'version': 4\nroutes: [", 4, id="broken behind it"),
        pytest.param(b"a: {version: 1, b: [version, {version: 2}]}\nversion: 3", 3, id="nested ones"),
        pytest.param(b"? [version]\n: 1\nversion: 2", None, id="odd keys"),
        pytest.param(b"version: '3'", None, id="text"),
        pytest.param(b"version: !!str 3", None, id="tag"),
        pytest.param(b"version: 010", None, id="octal"),
        pytest.param(b"version: 1.0", None, id="float"),
        pytest.param(b"a: &a 3\nversion: *a", None, id="alias"),
        pytest.param(b"version: " + b"9" * 5_000, None, id="endless"),
        pytest.param(b"[version, 3]", None, id="list"),
        pytest.param(b"", None, id="empty"),
        pytest.param(None, None, id="tombstone"),
    ],
)
def test_version_is_found_quickly_or_not_at_all(value: bytes | None, version: int | None) -> None:
    """Only a plain number at the top is taken; whatever is odd is left to a full reading."""
    assert version_of(value) == version


@given(st.one_of(st.none(), st.binary(), st.text().map(str.encode), SOME))
def test_no_bytes_end_it(value: bytes | None) -> None:
    """Whatever stands on the topic: an answer, and the last good document stays or gives way to a newer one."""
    documents, verdicts = offered(text(3), value)

    assert in_force(documents) in {(3, 0), (verdicts[1].version, 1)}
    assert (verdicts[1].kind is VerdictKind.REJECTED) == bool(verdicts[1].reasons)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(st.sampled_from(["version", "sources", "routes", "models", "unmatched", "x"]), each)
        ),
    )
)
def test_no_structure_ends_it(data: object) -> None:
    """Valid YAML and JSON that is anything but a document is rejected with reasons."""
    for value in (json.dumps(data).encode(), yaml.safe_dump(data).encode()):
        _, (verdict,) = offered(value)

        assert verdict.kind is VerdictKind.REJECTED
        assert verdict.reasons


@given(st.lists(SOME, max_size=8))
def test_versions_only_grow(values: list[bytes | None]) -> None:
    """Step by step, a document gives way to one with a higher version only, and a duplicate has its very content."""
    documents = Documents()
    for offset, value in enumerate(values):
        before = documents.current
        verdict = documents.offer(value, 0, offset)
        after = documents.current
        if verdict.kind is VerdictKind.APPLIED:
            assert after
            assert before is None or after.version > before.version
            assert (after.version, after.offset) == (verdict.version, offset)
        else:
            assert after is before
        if verdict.kind is VerdictKind.DUPLICATE:
            assert before
            assert before.version == verdict.version


@given(st.lists(SOME, max_size=8), st.sets(st.integers(1, 6), max_size=2))
def test_recovery_comes_to_the_document_of_those_who_were_there(values: list[bytes | None], refused: set[int]) -> None:
    """Whoever reads all at once has the same document as whoever was offered one after the other; earlier ones too."""

    def apply(live: LiveDocument) -> None:
        if live.version in refused:
            raise ModelRefError("x", "no")

    there, late = Documents(), Documents()
    taken = set()
    for message in messages(*values):
        there.offer(message.value, message.published_ms, message.offset, apply)
        if there.current:
            taken.add(there.current.version)
    late.recover(messages(*values), apply)

    assert in_force(late) == in_force(there)
    assert all(late.version(number) == there.version(number) for number in taken)
