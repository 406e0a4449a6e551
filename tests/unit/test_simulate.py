"""``penstock simulate``: where events would go, and why, with no broker asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit
from penstock.testing import builders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIANTS = [
    {"name": "champion", "weight": 60, "model": "iris-tree:1"},
    {"name": "challenger", "weight": 40, "model": "iris-tree:2"},
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a document to a file."""

    def written(name: str, **changes: Any) -> str:
        file = tmp_path / f"{name}.json"
        file.write_text(builders.document(**changes).model_dump_json(exclude_none=True), encoding="utf-8")
        return str(file)

    return written


def run(*arguments: str, given: str = "", expect: int = Exit.OK) -> Result:
    """Call the command."""
    result = CliRunner().invoke(cli, ["simulate", *arguments], input=given)
    assert result.exit_code == expect, result.output
    return result


def found(*arguments: str, given: str) -> list[dict[str, Any]]:
    """Call it and return its lines of JSON."""
    return [json.loads(line) for line in run(*arguments, "--format", "json", given=given).stdout.splitlines()]


def test_table_says_where_and_why(write: Callable[..., str]) -> None:
    """One line for each record that would be written."""
    split = {"by": "key", "salt": "iris", "variants": VARIANTS, "overrides": {"user-1": "challenger"}}
    route = builders.route(model=None, split=split, shadow=[{"model": "iris-tree:3", "name": "dark"}])
    given = 'user-17|{"type":"iris"}\nuser-1|{"type":"iris"}\nx|{"type":"tulip"}\n'
    lines = run(write("a", routes=[route]), "--key-separator", "|", given=given).stdout.splitlines()

    assert lines[0].split()[:5] == ["EVENT", "KEY", "GOES", "TO", "ROUTE"]
    assert [line.split()[:6] for line in lines[1:5]] == [
        ["events/0/0", "user-17", "penstock.pmml.iris-tree", "iris", "challenger", "iris-tree:2"],
        ["events/0/0", "user-17", "penstock.shadow-pmml.iris-tree", "iris", "dark", "iris-tree:3"],
        ["events/0/1", "user-1", "penstock.pmml.iris-tree", "iris", "challenger", "iris-tree:2"],
        ["events/0/1", "user-1", "penstock.shadow-pmml.iris-tree", "iris", "dark", "iris-tree:3"],
    ]
    assert lines[1].endswith("has its type; by key 'user-17'")
    assert lines[3].endswith("has its type; key 'user-1' is pinned by overrides")
    assert "dead letter UNMATCHED" in lines[5]
    assert "no route of version 7 takes type 'tulip'" in lines[5]


def test_json_has_what_the_model_gets(write: Callable[..., str]) -> None:
    """After the transforms."""
    route = builders.route(transform=[{"select": ["a"]}])
    (line,) = found(write("a", routes=[route]), given='{"type":"iris","a":1,"b":2}')

    assert line["outcomes"][0]["data"] == {"a": 1}
    assert line["outcomes"][0]["kind"] == "request"


def test_events_may_be_records_of_tail(write: Callable[..., str]) -> None:
    """With their key, headers and coordinates."""
    record = {"topic": "events", "partition": 3, "offset": 17, "timestamp": 1, "key": "k"}
    given = json.dumps(record | {"headers": {"tenant": "acme"}, "value": '{"type":"iris"}'})
    route = builders.route(match={"header": {"tenant": "acme"}})
    (line,) = found(write("a", routes=[route]), "--records", given=given)

    assert line["event"] == "events/3/17"
    assert line["outcomes"][0]["why"] == "has its header tenant"


def test_expression_that_fails_is_told(write: Callable[..., str]) -> None:
    """It is why the event did not match."""
    (line,) = found(write("a", routes=[builders.route(when="event.amount > 1")]), given='{"type":"iris"}')

    assert "the expressions of iris could not be computed" in line["outcomes"][0]["why"]


def test_split_without_a_key_goes_by_coordinates(write: Callable[..., str]) -> None:
    """And says so."""
    split = {"by": {"field": "user"}, "variants": VARIANTS}
    (line,) = found(write("a", routes=[builders.route(model=None, split=split)]), given='{"type":"iris"}')

    assert line["outcomes"][0]["why"] == "has its type; by its coordinates, as it has no field user"


def test_against_shows_only_what_differs(write: Callable[..., str]) -> None:
    """Each with what was and what will be, and how many there are."""
    old = write("old")
    new = write("new", version=8, routes=[builders.route(), builders.route("tulip")])
    given = '{"type":"iris"}\n{"type":"tulip"}\n'
    lines = run(new, "--against", old, given=given).stdout.splitlines()
    (line,) = found(new, "--against", old, given=given)

    assert lines[1].split(maxsplit=2)[2] == "dead letter UNMATCHED  tulip/iris-tree:1"
    assert lines[-1] == "1 of 2 events differ"
    assert line["before"][0]["code"] == "UNMATCHED"
    assert line["outcomes"][0]["route"] == "tulip"


def test_other_data_is_a_difference(write: Callable[..., str]) -> None:
    """Though the event goes the same way."""
    new = write("new", routes=[builders.route(transform=[{"select": ["a"]}])])
    lines = run(new, "--against", write("old"), given='{"type":"iris","a":1}').stdout.splitlines()

    assert lines[1].endswith("the same, with other data")


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["--records"], '{"value": "a"}\n', "as 'penstock tail --format json' writes it: there is no 'topic'"),
        (["--last", "3", "--key", "a"], "", "--last takes records of the topic as they are"),
        (["--last", "3", "--records"], "", "--last takes records of the topic as they are"),
        (["--records"], "no JSON\n", "line 1: expected a JSON object with topic and value"),
        (["--records"], '{"value": 3, "topic": "events"}\n', "expected text, {'base64': ...} or null"),
        (["--key-separator", ":"], "no separator\n", "no separator ':'"),
        (["--header", "x"], "{}", "expected name=value"),
        (["--key", "a", "--key-separator", ":"], "{}", "give one of them"),
    ],
)
def test_input_that_is_none_is_refused(write: Callable[..., str], arguments: list[str], given: str, said: str) -> None:
    """With the line, and what was expected."""
    assert said in run(write("a"), *arguments, given=given, expect=Exit.USAGE).stderr


def test_several_sources_need_a_topic() -> None:
    """The demo's document has three."""
    refused = run(given="{}", expect=Exit.USAGE).stderr

    assert "say with --topic which (events, legacy-events, csv-events, tweets, images)" in refused


def test_document_and_events_cannot_share_standard_input() -> None:
    """One of the two would be empty."""
    assert "cannot both come from standard input" in run("-", given="{}", expect=Exit.USAGE).stderr


def test_each_route_that_an_event_met_can_be_told(write: Callable[..., str]) -> None:
    """With every condition that does not hold, up to the route behind which none has its turn."""
    asked = {
        "type": ["rose", "tulip"],
        "header": {"tenant": "acme"},
        "field": {"n": {"gt": 1000000, "lte": 5000000.5}, "s": [1, "1"]},
    }
    routes = [
        builders.route("asking", match=asked),
        builders.route("elsewhere", match={"topic": "others"}),
        builders.route("small", when="event.n > 7"),
        builders.route("failing", when="event.gone"),
        builders.route("copying", match={"type": "iris"}, **{"continue": True}),
        builders.route("last", match={}),
    ]
    sources = [{"topic": topic, "format": "json", "type": {"field": "type"}} for topic in ("events", "others")]
    for part in routes:
        if part["name"] in {"small", "failing"}:
            part["match"] = {"type": "iris"}
    file = write("a", sources=sources, routes=[*routes])
    given = '{"type":"iris","n":7,"s":true}'
    (line,) = found(file, "--topic", "events", "--routes", given=given)
    text = run(file, "--topic", "events", "--routes", given=given).stdout.splitlines()

    assert line["routes"] == [
        {
            "route": "asking",
            "kind": "no match",
            "why": [
                "type is 'iris', expected 'rose' or 'tulip'",
                "header 'tenant' is absent, expected 'acme'",
                "field 'n' is 7, expected a number gt 1000000 and lte 5000000.5",
                "field 's' is true, expected 1 or '1'",
            ],
        },
        {"route": "elsewhere", "kind": "no match", "why": ["topic is 'events', expected 'others'"]},
        {"route": "small", "kind": "no match", "why": ["when is false"]},
        {
            "route": "failing",
            "kind": "no match",
            "why": ['when: the expression cannot be computed: Key not found in map : "gone"'],
        },
        {"route": "copying", "kind": "takes", "why": []},
        {"route": "last", "kind": "takes", "why": []},
    ]
    assert text[4].split() == ["EVENT", "MET", "ROUTE", "WHICH", "BECAUSE"]
    assert text[6].split(maxsplit=3) == ["events/0/0", "elsewhere", "no", "match  topic is 'events', expected 'others'"]


def test_event_that_cannot_be_read_meets_no_route(write: Callable[..., str]) -> None:
    """Nor does one without a type."""
    lines = found(write("a"), "--routes", given='no JSON\n{"n":1}\n')

    assert [line["routes"] for line in lines] == [[], []]


def test_routes_are_told_of_one_document(write: Callable[..., str]) -> None:
    """Of two it would be unclear which."""
    refused = run(write("a"), "--routes", "--against", write("b"), given="{}", expect=Exit.USAGE).stderr

    assert "--routes tells of one document, --against of two" in refused
