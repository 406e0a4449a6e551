"""The registry: which versions there are and which is live, by the messages of the topic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.control.messages import VerdictKind
from penstock.errors import UnknownModelError
from penstock.models.catalog_events import Meant, Registered, Removed
from penstock.models.ref import ModelRef
from penstock.models.registry import Pointer, Registry
from penstock.testing.models import added, described, messages, pointed, removed
from penstock.testing.models import registry as of

if TYPE_CHECKING:
    from penstock.control.messages import Verdict
    from penstock.testing.models import Pair

APPLIED, DUPLICATE, REJECTED = VerdictKind.APPLIED, VerdictKind.DUPLICATE, VerdictKind.REJECTED


def offered(registry: Registry, *records: Pair) -> list[Verdict]:
    """Offer the records one by one."""
    return [registry.offer(message) for message in messages(*records)]


def refs(*texts: str) -> tuple[ModelRef, ...]:
    """Read refs."""
    return tuple(map(ModelRef.parse, texts))


def test_first_bytes_stay() -> None:
    """The same again changes nothing, other bytes are refused, and a deleted version is free."""
    registry = Registry()
    verdicts = offered(
        registry, added("a:1"), added("a:1"), added("a:1", "b"), removed("a:1"), removed("a:1"), added("a:1", "b")
    )

    assert [verdict.kind for verdict in verdicts] == [APPLIED, DUPLICATE, REJECTED, APPLIED, DUPLICATE, APPLIED]
    assert {(verdict.subject, verdict.version) for verdict in verdicts} == {("a:1", 1)}
    assert verdicts[2].reasons == (
        f"'a:1' is registered with sha256 {'a' * 64}, got sha256 {'b' * 64}; versions are immutable: raise the version",
    )
    assert [each.sha256[0] for each in registry] == ["b"]


def test_same_bytes_with_another_description() -> None:
    """A no-op too, but one that is told: workers that start later must not see another description."""
    registry = Registry()
    verdicts = offered(registry, added("a:1"), added("a:1", prediction="y", uri="z", registered_at="now"))

    assert verdicts[1].kind is DUPLICATE
    assert verdicts[1].reasons == ("uri, prediction of 'a:1' cannot be changed: delete it first, or raise the version",)
    assert registry.descriptors[ModelRef("a", 1)].prediction is None
    assert registry.overwritten == refs("a:1")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([added("a:1"), added("a:10"), added("a:9")], "a:10"),
        ([added("a:1"), added("a:10"), pointed("a", 1)], "a:1"),
        ([pointed("a", 1), added("a:10"), added("a:1")], "a:1"),
        ([added("a:1"), added("a:10"), pointed("a", 1), removed("a")], "a:10"),
        ([added("a:1"), added("a:2"), added("a:3"), pointed("a", 2, 1), removed("a:2")], "a:1"),
        ([added("a:1"), added("a:3"), pointed("a", 2)], "a:3"),
        ([pointed("a", 1)], None),
        ([added("a:1"), removed("a:1")], None),
    ],
)
def test_live_version(records: list[Pair], expected: str | None) -> None:
    """What the pointer says and is there, else the one before it, else the highest by number."""
    live = of(*records).live("a")
    assert (None if live is None else str(live)) == expected


def test_serving_versions() -> None:
    """The live one first, then the one before it."""
    registry = of(added("a:1"), added("a:2"), added("a:3"), pointed("a", 3, 1))
    assert registry.serving("a") == refs("a:3", "a:1")
    assert registry.serving("b") == ()


def test_pointer_that_waits_for_its_version() -> None:
    """It is taken, and says what it waits for."""
    (verdict,) = offered(Registry(), pointed("a", 3))
    assert (verdict.kind, verdict.reasons) == (
        APPLIED,
        ("version 3 of 'a' is not registered: live when it comes",),
    )


def test_unknown_models_are_named() -> None:
    """Those of the same name first, no more than a person reads."""
    registry = of(*(added(f"m{number:02}:1") for number in range(30)), added("z:1"), added("z:2"), removed("z:1"))

    with pytest.raises(
        UnknownModelError, match=r"'z:1' is not registered: it was deleted; .*: z:2, m00:1, m01:1"
    ) as one:
        registry.resolve(ModelRef("z", 1))
    assert str(one.value).endswith("m18:1, ...")
    with pytest.raises(UnknownModelError, match="'b' is not registered; registered models: none"):
        Registry().resolve(ModelRef("b"))


def test_where_the_topic_was_read_to() -> None:
    """Nothing read is told from nothing there."""
    registry = Registry()
    assert registry.offset is None
    registry.recover([])
    assert registry.offset == -1
    registry.recover(messages(added("a:1"), (b"?", b"")))
    assert registry.offset == 1


def test_recovering_tells_what_somebody_must_know() -> None:
    """What was refused or taken with reservations, and the last message; not each of a thousand good ones."""
    verdicts = Registry().recover(messages(added("a:1"), added("a:1", "b"), added("a:2"), added("a:3")))
    assert [(verdict.offset, verdict.kind) for verdict in verdicts] == [(1, REJECTED), (3, APPLIED)]


def test_what_compaction_would_lose_can_be_published_again() -> None:
    """Other bytes, or garbage, under the key of what is in force: the cure is what is in force, once more."""
    registry = of(added("a:1"), pointed("a", 1), added("a:1", "b"), (b"a", b"?"), (b"b:1", b"?"), (b"b", b"?"))
    assert registry.overwritten == refs("a:1", "a")

    cured = offered(registry, *(registry.record(ref) for ref in registry.overwritten))
    assert {verdict.kind for verdict in cured} == {DUPLICATE}
    assert registry.overwritten == ()


def test_catalogue_is_told_what_changed() -> None:
    """By message, and of all messages together."""
    registry = Registry()
    first = described("a:1")
    told = [
        list(registry.events(verdict)) for verdict in offered(registry, added("a:1"), added("a:1"), pointed("a", 1))
    ]

    assert told[1] == []
    assert told[2] == [Meant("a", refs("a:1"))]
    assert list(registry.events()) == [Registered(first), Meant("a", refs("a:1"))]
    (gone,) = offered(registry, removed("a:1"))
    assert list(registry.events(gone)) == [Removed(ModelRef("a", 1)), Meant("a", ())]


@dataclass
class Model:
    """A registry as the rules tell it, in the plainest way."""

    sha: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    def take(self, what: tuple[Any, ...]) -> None:
        """Apply one operation."""
        match what:
            case ("add", ref, sha):
                self.sha.setdefault(ref, sha)
            case ("remove", ref):
                self.sha.pop(ref, None)
                self.pointers.pop(ref, None)
            case ("point", name, live, previous):
                self.pointers[name] = (live, previous)

    def live(self, name: str) -> str | None:
        """Return the live version."""
        there = [version for version in range(4) if f"{name}:{version}" in self.sha]
        wanted = [version for version in self.pointers.get(name, ()) if version in there]
        chosen = [*wanted, *reversed(there)]
        return f"{name}:{chosen[0]}" if chosen else None


NAMES = st.sampled_from(["a", "b"])
VERSIONS = st.integers(0, 3)
REFS = st.builds("{}:{}".format, NAMES, VERSIONS)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), REFS, st.sampled_from("ab")),
        st.tuples(st.just("remove"), REFS | NAMES),
        st.tuples(st.just("point"), NAMES, VERSIONS, st.none() | VERSIONS),
        st.tuples(st.just("garbage"), st.binary(max_size=5), st.binary(max_size=5)),
    ),
    max_size=25,
)


def record(what: tuple[Any, ...]) -> Pair:
    """Return an operation as the record that asks for it."""
    match what:
        case ("add", ref, sha):
            return added(ref, sha)
        case ("remove", ref):
            return removed(ref)
        case ("point", name, live, previous):
            return pointed(name, live, previous)
        case (_, key, value):
            return key, value
    raise AssertionError(what)


@given(OPERATIONS, st.integers(0, 25), st.integers(0, 25))
def test_any_split_makes_the_same_registry(operations: list[tuple[Any, ...]], first: int, second: int) -> None:
    """However much is read at the start and how much comes later, it is the registry of the rules."""
    model = Model()
    for what in operations:
        model.take(what)
    all_of_them = messages(*map(record, operations))
    registry = Registry()
    at, until = sorted((first, second))
    registry.recover(all_of_them[:at])
    for message in all_of_them[at:until]:
        registry.offer(message)
    registry.recover(all_of_them[until:])

    assert {str(ref): each.sha256[0] for ref, each in registry.descriptors.items()} == model.sha
    assert {name: (each.live, each.previous) for name, each in registry.pointers.items()} == model.pointers
    for name in "ab":
        live = registry.live(name)
        assert (None if live is None else str(live)) == model.live(name)
        assert list(registry.versions(name)) == [one for one in range(4) if f"{name}:{one}" in model.sha]
    assert registry.offset == len(operations) - 1
    assert [each.ref for each in registry] == sorted(registry.descriptors, key=lambda ref: (ref.name, ref.version))


@given(OPERATIONS)
def test_healing_makes_compaction_harmless(operations: list[tuple[Any, ...]]) -> None:
    """After the cure, a reader of the newest message of each key comes to what everybody else has."""
    registry = of(*map(record, operations))
    log = [*map(record, operations), *(registry.record(ref) for ref in registry.overwritten)]
    compacted = of(*{key: (key, value) for key, value in log}.values())

    assert dict(compacted.descriptors) == dict(registry.descriptors)
    assert dict(compacted.pointers) == dict(registry.pointers)


def test_pointer_is_a_plain_value() -> None:
    """Whoever lists models reads it."""
    assert of(pointed("a", 2, 1)).pointers == {"a": Pointer(2, 1, "now")}
