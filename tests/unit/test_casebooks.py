"""``penstock test``: the tests that stand beside a routing document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit
from penstock.routing.verdicts import same
from penstock.testing import builders

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
VARIANTS = [
    {"name": "champion", "weight": 60, "model": "iris-tree:1"},
    {"name": "challenger", "weight": 40, "model": "iris-tree:2"},
]
RAMP = {"name": "new", "ramp": {"from": 0, "to": 100, "over": "1h", "steps": 1}, "model": "iris-tree:2"}


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Result]:
    """Write a document and one case, and run it."""

    def run(case: dict[str, Any], *arguments: str, **changes: Any) -> Result:
        document = builders.document(**changes).model_dump_json(exclude_none=True)
        (tmp_path / "routing.yaml").write_text(document, encoding="utf-8")
        file = tmp_path / "routing.test.yaml"
        file.write_text(json.dumps({"cases": [{"name": "it", **case}]}), encoding="utf-8")
        return CliRunner().invoke(cli, ["test", str(file), *arguments])

    return run


def said(result: Result) -> list[str]:
    """What is wrong with the one case, a line each."""
    assert result.exit_code in {Exit.OK, Exit.FAILED}, result.output
    lines = result.stdout.splitlines()
    return [line.strip() for line in lines[2:-1]]


def test_demo_has_tests_and_they_pass() -> None:
    """They stand beside its document, and are what is run where no file is given."""
    result = CliRunner().invoke(cli, ["test"])

    assert result.exit_code == Exit.OK, result.output
    assert result.stdout.splitlines()[-1] == "11 of 11 cases came out as expected"


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "examples").glob("*.test.yaml")), ids=lambda path: path.stem)
def test_examples_have_tests_and_they_pass(path: Path) -> None:
    """Each document beside the demo's."""
    result = CliRunner().invoke(cli, ["test", str(path)])

    assert result.exit_code == Exit.OK, result.output


def test_what_was_expected_and_what_was_found(attempt: Callable[..., Result]) -> None:
    """All of it at once."""
    route = builders.route(model=None, split={"salt": "iris", "variants": VARIANTS}, shadow=[{"model": "iris-tree:3"}])
    event = {"key": "user-17", "value": {"type": "iris", "a": True}}
    expect = {
        "route": "tulip",
        "variant": "champion",
        "model": "iris-tree:2",
        "shadows": [],
        "data": {"type": "iris", "a": 1},
    }
    result = attempt({"event": event, "expect": expect}, routes=[route])

    assert result.exit_code == Exit.FAILED
    assert said(result) == [
        "route: expected 'tulip', got 'iris' (has its type; by key 'user-17')",
        "variant: expected 'champion', got 'challenger' (has its type; by key 'user-17')",
        'shadows: expected [], got ["iris-tree:3"]',
        'data: expected {"type": "iris", "a": 1}, got {"type": "iris", "a": true}',
    ]
    assert result.stdout.splitlines()[-1] == "0 of 1 cases came out as expected"


def test_dead_letter_that_nobody_expects_says_why(attempt: Callable[..., Result]) -> None:
    """With its code and reason."""
    result = attempt({"event": {"value": {"type": "tulip"}}, "expect": {"route": "tulip"}})

    assert said(result) == [
        "got a dead letter UNMATCHED: no route of version 7 takes type 'tulip'; add it to a route's match"
    ]


def test_dead_letter_that_does_not_come_is_a_fault(attempt: Callable[..., Result]) -> None:
    """It says what came instead."""
    result = attempt({"event": {"value": {"type": "iris"}}, "expect": {"dead-letter": "DECODE"}})

    assert said(result) == ["expected a dead letter DECODE, got route 'iris'"]


@pytest.mark.parametrize(("unmatched", "expected"), [("drop", "drop"), ({"topic": "others"}, "others")])
def test_unmatched_events_can_be_expected(attempt: Callable[..., Result], unmatched: object, expected: str) -> None:
    """Dropped, or on a topic for them."""
    case = {"event": {"value": {"type": "tulip"}}, "expect": {"unmatched": expected}}

    assert attempt(case, unmatched=unmatched).exit_code == Exit.OK


def test_output_is_what_the_output_adapter_writes(attempt: Callable[..., Result]) -> None:
    """Of what the case says that the model makes; only the keys given are compared."""
    case = {
        "event": {"value": {"type": "iris"}},
        "result": {"prediction": 1, "outputs": {"p": 0.5}},
        "expect": {"output": {"topic": "elsewhere", "value": {"prediction": 2, "outputs": {"p": 0.5}}}},
    }

    topic, value = said(attempt(case))
    assert topic == "output.topic: expected 'elsewhere', got 'iris-results'"
    assert value.startswith('output.value: expected {"prediction": 2, "outputs": {"p": 0.5}}, got {"input": ')


@pytest.mark.parametrize(("form", "value"), [("value", 1), ("tagged", "hello###1"), ("text", "1")])
def test_formats_of_outputs(attempt: Callable[..., Result], form: str, value: object) -> None:
    """Text is compared as text, anything else as JSON."""
    source = {"topic": "events", "format": "text", "type": {"constant": "iris"}}
    output = {"topic": "r", "format": form}
    case = {"event": {"value": "hello"}, "result": {"prediction": 1}, "expect": {"output": {"value": value}}}

    assert said(attempt(case, sources=[source], routes=[builders.route(output=output)])) == []


def test_every_route_that_takes_an_event_is_expected(attempt: Callable[..., Result]) -> None:
    """In the order of the document."""
    routes = [builders.route("audit", match={"type": "iris"}, **{"continue": True}), builders.route()]
    event = {"value": {"type": "iris"}}

    assert said(attempt({"event": event, "expect": [{"route": "audit"}, {"route": "iris"}]}, routes=routes)) == []
    assert said(attempt({"event": event, "expect": {"route": "audit"}}, routes=routes)) == [
        "expected 1 of requests and dead letters, got 2: route 'audit', route 'iris'"
    ]


def test_ramps_are_as_long_after_publishing_as_a_case_says(attempt: Callable[..., Result]) -> None:
    """So that a rollout can be tested before it begins."""
    variants = [{"name": "old", "ramp": {"from": 1, "to": 0, "over": "1h", "steps": 1}, "model": "iris-tree:1"}, RAMP]
    route = builders.route(model=None, split={"variants": variants})
    event = {"key": "k", "value": {"type": "iris"}}

    for after, variant in (({}, "old"), ({"after": "2h"}, "new")):
        assert said(attempt({"event": event, **after, "expect": {"variant": variant}}, routes=[route])) == []


def test_results_of_tests_are_never_late(attempt: Callable[..., Result]) -> None:
    """They were scored at no time."""
    case = {"event": {"value": {"type": "iris"}}, "result": {"prediction": 1}, "expect": {"output": {"value": {}}}}

    assert said(attempt(case, routes=[builders.route(deadline_ms=1)])) == []


def test_faults_of_tests_have_their_places(attempt: Callable[..., Result]) -> None:
    """Line and column, the path, and what was meant."""
    result = attempt({"event": {"valeu": 1}, "expect": [{}, {"output": {"value": 1}}]})

    assert result.exit_code == Exit.USAGE
    assert "1:37: cases[0].event.valeu: unknown key 'valeu'; did you mean 'value'?" in result.stderr


def test_expectations_that_say_nothing_are_refused(attempt: Callable[..., Result]) -> None:
    """As are outputs of a model that has not spoken."""
    said = attempt({"event": {}, "expect": [{}, {"output": {"value": 1}}]}).stderr

    assert "cases[0].expect[0]: expects nothing" in said
    assert "cases[0].expect[1].output: needs the case's result" in said


def test_another_document_can_be_tested(attempt: Callable[..., Result], tmp_path: Path) -> None:
    """By the tests that there are, before it takes the old one's place."""
    other = tmp_path / "other.json"
    other.write_text(builders.document(routes=[builders.route("tulip")]).model_dump_json(exclude_none=True))
    case = {"event": {"value": {"type": "tulip"}}, "expect": {"route": "tulip"}}

    assert attempt(case).exit_code == Exit.FAILED
    assert attempt(case, "--document", str(other)).exit_code == Exit.OK


def test_json_is_a_line_for_each_case(attempt: Callable[..., Result]) -> None:
    """For programs."""
    case = {"event": {"value": {"type": "iris"}}, "expect": {"route": "iris"}}
    found = json.loads(attempt(case, "--format", "json").stdout)

    assert (found["case"], found["passed"], found["faults"]) == ("it", True, [])


@pytest.mark.parametrize(
    ("expected", "found", "equal"),
    [(1, 1.0, True), (1, True, False), ("1", 1, False), ([1], [1.0], True), ({"a": 1}, {"a": 1, "b": 2}, False)],
)
def test_equal_means_equal_in_json(expected: object, found: object, *, equal: bool) -> None:
    """As in matches."""
    assert same(expected, found) is equal
