"""The open registry of transforms: what another package adds, and what is said of unknown names."""

from pathlib import Path

import pytest

from penstock.errors import TransformError
from penstock.routing.registry import Side, names, pipeline, read

PACKAGE = """
from penstock.routing.registry import Parameters, Transform

class Times(Parameters):
    factor: int

def times(parameters):
    def step(data):
        if not isinstance(data, int):
            raise ValueError("expected a number")
        return data * parameters.factor
    return step

TIMES = Transform(parameters=Times, compile=times)
NOTHING = "no transform"
"""
NOT_FOUND = "ModuleNotFoundError(\"No module named 'no_such_module'\")"
ENTRY_POINTS = """[penstock.transforms]
times = shop_transforms:TIMES
nothing = shop_transforms:NOTHING
broken = no_such_module:TIMES
csv = shop_transforms:TIMES
"""


@pytest.fixture
def shop_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's package with transforms, installed for one test."""
    info = tmp_path / "shop_transforms-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-transforms\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "shop_transforms.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_package_adds_a_transform(shop_package: None) -> None:
    """An entry point is all it takes; its refusals are like those of the built-in ones."""
    bound, faults = read([{"times": {"factor": 3}}], Side.EVENT)

    assert faults == []
    assert pipeline(bound)(5) == 15
    assert {"times", "csv"} <= names()
    with pytest.raises(TransformError, match=r"^transform 'times': expected a number$"):
        pipeline(bound)("five")


def test_built_in_names_cannot_be_taken(shop_package: None) -> None:
    """A package cannot change what a document means."""
    bound, _ = read(["csv"], Side.EVENT)

    assert pipeline(bound)("a,b") == ["a", "b"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"times": {"facto": 3}},
            ["[0].times.factor: is missing", "[0].times.facto: unknown key 'facto'; did you mean 'factor'?"],
        ),
        ("nothing", ["[0]: transform 'nothing': expected 'shop_transforms:NOTHING' to be a Transform, got text"]),
        (
            "broken",
            [f"[0]: transform 'broken' of 'no_such_module:TIMES' cannot be loaded: {NOT_FOUND}"],
        ),
        ("time", ["[0]: unknown transform 'time'; did you mean 'times'?"]),
    ],
)
def test_faults_of_a_package_are_faults_of_the_document(shop_package: None, item: object, expected: list[str]) -> None:
    """They name the transform and the entry point; nothing is thrown at whoever reads the document."""
    assert [str(fault) for fault in read([item], Side.EVENT)[1]] == expected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("selct", "[0]: unknown transform 'selct'; did you mean 'select'?"),
        (5, "[0]: a transform is a name, or one name with its parameters; got 5 (int)"),
        ({}, "[0]: a transform is a name, or one name with its parameters; got {} (object)"),
        (
            {"select": ["a"], "csv": {}},
            "[0]: a transform is a name, or one name with its parameters; got {'select': ['a'], 'csv': {}} (object)",
        ),
    ],
)
def test_what_is_no_transform_is_a_fault(item: object, expected: str) -> None:
    """Unknown names come with the nearest valid one."""
    assert [str(fault) for fault in read([item], Side.EVENT)[1]] == [expected]


def test_all_faults_of_a_list_are_told_at_once() -> None:
    """Each with its position."""
    faults = read(["as_is", "selct", {"select": []}], Side.EVENT)[1]

    assert [fault.place for fault in faults] == [(1,), (2, "select")]
