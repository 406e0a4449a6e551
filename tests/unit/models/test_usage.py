"""Who uses which version of which model."""

from penstock.models.ref import ModelRef
from penstock.models.registry import Registry
from penstock.models.usage import routed, shadowed, users, wanted
from penstock.testing.builders import document, route
from penstock.testing.models import added, pointed
from penstock.testing.models import registry as of

MODELS = {"a": {"job": "pmml"}, "b": {"job": "pmml"}, "c": {"job": "pmml"}}
DOCUMENT = document(
    routes=[
        route(name="iris", model="a"),
        route(name="fixed", model="a:1", shadow=[{"model": "c", "name": "dark"}], match={"type": "fixed"}),
        route(name="other", model="b:7", match={"type": "other"}),
    ],
    models=MODELS,
)
REGISTRY = of(
    added("a:1"), added("a:2"), added("a:3"), pointed("a", 2, 1), added("b:7", job="spark"), added("c:1"), added("d:1")
)


def named(found: object) -> set[str]:
    """Return refs as text."""
    return set(map(str, found))  # type: ignore[call-overload]


def test_users_are_named() -> None:
    """Routes, shadows, and names whose live version it is; what nobody uses is left out."""
    assert {str(ref): each for ref, each in users(DOCUMENT, REGISTRY).items()} == {
        "a:1": ("route 'fixed'",),
        "a:2": ("route 'iris'", "live version of 'a'"),
        "b:7": ("route 'other'",),
        "c:1": ("shadow 'dark' of route 'fixed'",),
    }


def test_live_versions_need_not_count() -> None:
    """Who never used bare names is not kept by what one means."""
    found = users(None, REGISTRY)

    assert {str(ref): each for ref, each in found.items()} == {"a:2": ("live version of 'a'",)}
    assert users(None, REGISTRY, live=False) == {}
    assert users(DOCUMENT, REGISTRY, live=False)[ModelRef("a", 2)] == ("route 'iris'",)


def test_a_version_that_is_not_there_is_used_too() -> None:
    """A route that names it waits for it; a bare name without versions means none."""
    assert users(DOCUMENT, Registry()) == {
        ModelRef("a", 1): ("route 'fixed'",),
        ModelRef("b", 7): ("route 'other'",),
    }


def test_wanted_versions() -> None:
    """A job's own, which are there: of a bare name, the live one and the one before it."""
    assert named(wanted(routed(DOCUMENT), REGISTRY, "pmml")) == {"a:1", "a:2"}
    assert named(wanted(routed(DOCUMENT), REGISTRY, "spark")) == {"b:7"}
    assert named(wanted(shadowed(DOCUMENT), REGISTRY, "pmml")) == {"c:1"}
    assert wanted(routed(DOCUMENT), Registry(), "pmml") == frozenset()
