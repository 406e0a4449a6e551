"""The renderer: what becomes of every result."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from output_adapter.renderer import Renderer
from penstock.event import Deliveries, unpack_headers
from penstock.routing.document import RoutingDocument, load
from penstock.testing.builders import TIMESTAMP_MS, Results, document, filled, result, results, route

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT / "tests" / "data" / "messages"
DEMO = load(ROOT / "config" / "routing.yaml")


def nobody(version: int) -> None:
    """Know no other versions."""


def renderer(
    found: RoutingDocument | None = None,
    *,
    limit: int = 10_000,
    find: Callable[[int], RoutingDocument | None] = nobody,
) -> Renderer:
    """A renderer that has a document in force."""
    made = Renderer(find, prefix="penstock", max_request_bytes=limit, max_dead_letter_bytes=20_000)
    made.take(found or document())
    return made


def output(**keys: Any) -> RoutingDocument:
    """A document whose route has an output with these keys."""
    return document(routes=[route(output={"topic": "iris-results", **keys})])


def only(deliveries: Deliveries) -> tuple[str | None, bytes | None, dict[str, str]]:
    """The one delivery of a batch of one, its headers unpacked."""
    assert len(deliveries.topics) == 1
    return deliveries.topics[0], deliveries.values[0], filled(deliveries.headers[0], place="penstock.results/0/5")


def cause(deliveries: Deliveries) -> tuple[str, str]:
    """Code and reason of the one delivery, which is a dead letter."""
    topic, value, headers = only(deliveries)
    assert (topic, value) == ("penstock.dead-letters", None)
    return headers["penstock-error-code"], headers["penstock-error-reason"]


def sample(name: str) -> bytes:
    """A sample message without the line end that editors want at the end of a file."""
    return (MESSAGES / name).read_bytes().removesuffix(b"\n")


def test_a_result_goes_out_as_it_is() -> None:
    """Its bytes stay, its headers too; only the content type is that of the output."""
    assert only(renderer().render(*results(sample("result.json")))) == (
        "iris-results",
        None,
        {"content-type": "application/json"},
    )


NO_INPUT = "format 'tagged' needs the input, which the result does not carry; was the event bytes?"
NAMES = [{"map_prediction": {"0": "setosa"}}]


@pytest.mark.parametrize(
    ("keys", "name", "content_type"),
    [
        ({"format": "json", "transform": NAMES}, "output.json", "application/json"),
        ({"format": "text", "transform": NAMES}, "output.txt", "text/plain"),
        ({"format": "tagged", "transform": NAMES}, "output.tagged", "text/plain"),
        ({"format": "value", "transform": NAMES}, "output-value.json", "application/json"),
    ],
)
def test_every_format_after_its_transforms(keys: dict[str, Any], name: str, content_type: str) -> None:
    """The samples that the documentation shows."""
    found = only(renderer(output(**keys)).render(*results(sample("result.json"))))

    assert found == ("iris-results", sample(name), {"content-type": content_type})


@pytest.mark.parametrize(
    ("keys", "value", "made"),
    [
        ({"format": "text"}, result("a b"), b"a b"),
        ({"format": "text"}, b'{"prediction":1.50}', b"1.50"),
        ({"format": "value"}, b'{"prediction":1.50}', b"1.50"),
        ({"format": "value"}, result(None), b"null"),
        ({"format": "tagged"}, result("x", input={"a": 1}), b'{"a":1}###x'),
        ({"format": "tagged", "separator": "|"}, result("x", input="a###b"), b"a###b|x"),
        ({"format": "json", "transform": [{"select": ["prediction"]}]}, result("x"), b'{"prediction":"x"}'),
        ({"format": "json", "transform": [{"template": "{prediction}!"}]}, result("x"), b'"x!"'),
        ({"format": "text", "transform": [{"template": "{prediction}!"}]}, result("x"), b"x!"),
        ({"format": "tagged", "transform": [{"template": "{prediction}!"}]}, result("x"), b"5.1,3.5,1.4,0.2###x!"),
        ({"format": "text", "transform": [{"cast": {"prediction": "int"}}]}, result(1.0), b"1"),
        ({"format": "json", "transform": ["as_is"]}, result("x"), None),
        (
            {"format": "json", "transform": [{"rename": {"input": "event"}}, {"select": ["event"]}]},
            b'{"input":{"n":1.0, "id":12345678901234567890123},"prediction":0}',
            b'{"event":{"n":1.0, "id":12345678901234567890123}}',
        ),
    ],
)
def test_outputs_say_what_their_route_wants(keys: dict[str, Any], value: bytes, made: bytes | None) -> None:
    """Numbers and inputs that no transform touches keep their very text."""
    assert only(renderer(output(**keys)).render(*results(value)))[1] == made


def test_a_shadow_never_goes_out() -> None:
    """Whatever brought it to the topic of results, it stops here."""
    assert cause(renderer().render(*results(result(), shadow="true"))) == (
        "SHADOW",
        "a shadow result must not reach a user's topic; shadow results have a topic of their own",
    )


def test_an_emptied_shadow_mark_is_none() -> None:
    """The input adapter empties the mark that an event brings along."""
    assert only(renderer().render(*results(result(), shadow="")))[0] == "iris-results"


def test_a_route_that_is_gone_is_a_fault() -> None:
    """The result's own headers still tell its source, model and version: they are not replaced."""
    deliveries = renderer().render(*results(result(), route="rose"))

    assert cause(deliveries) == ("UNKNOWN_ROUTE", "version 7 of the routing document has no route 'rose'")
    headers = only(deliveries)[2]
    assert datetime.fromisoformat(headers.pop("penstock-error-time")).tzinfo is UTC
    assert headers == {
        "penstock-error-code": "UNKNOWN_ROUTE",
        "penstock-error-reason": "version 7 of the routing document has no route 'rose'",
        "penstock-error-stage": "output_adapter",
        "penstock-error-component": "renderer",
        "penstock-error-record": "penstock.results/0/5",
        "penstock-error-attempts": "1",
    }


def versions(asked: list[int], *numbers: int) -> Callable[[int], RoutingDocument | None]:
    """Give these versions, each with an output topic of its own, and note who asks."""

    def find(number: int) -> RoutingDocument | None:
        asked.append(number)
        topic = f"results-{number}"
        return document(version=number, routes=[route(output={"topic": topic})]) if number in numbers else None

    return find


def test_a_result_is_rendered_by_the_version_that_made_it() -> None:
    """Earlier and later ones are asked for, once each; the one in force is there."""
    asked: list[int] = []
    found = renderer(find=versions(asked, 6, 8))
    topics = [found.render(*results(result(), version=text)).topics[0] for text in ("6", "7", "8", "6", "7", "8")]

    assert topics == ["results-6", "iris-results", "results-8", "results-6", "iris-results", "results-8"]
    assert asked == [6, 8]


def test_a_version_that_nobody_knows_is_a_fault() -> None:
    """It is asked for once, since asking may mean waiting; and once more when a new document has come."""
    asked: list[int] = []
    found = renderer(find=versions(asked))
    faults = [cause(found.render(*results(result(), version="9"))) for _ in range(3)]
    found.take(document(version=8))
    found.render(*results(result(), version="9"))

    assert set(faults) == {
        (
            "UNKNOWN_VERSION",
            (
                "the result was made by version 9 of the routing document, which is not known here; "
                "version 7 is in force; 'penstock history' lists the others"
            ),
        )
    }
    assert asked == [9, 9]


def test_a_route_of_another_version_is_not_rendered_by_this_one() -> None:
    """A route that came later is unknown to the result that claims an earlier version."""
    found = renderer(find=versions([], 6))
    found.take(document(version=8, routes=[route("rose", model="iris-tree")]))

    assert cause(found.render(*results(result(), route="rose", version="6")))[0] == "UNKNOWN_ROUTE"
    assert found.render(*results(result(), route="rose", version="8")).topics == ["rose-results"]


def test_more_versions_than_are_kept_compiled() -> None:
    """Those that came first are asked for again, but never the one in force."""
    asked: list[int] = []
    found = renderer(document(version=100), find=versions(asked, *range(1, 40)))
    for number in (*range(1, 40), 39, 1):
        assert found.render(*results(result(), version=str(number))).topics == [f"results-{number}"]

    assert asked == [*range(1, 40), 1]
    assert found.render(*results(result(), version="100")).topics == ["iris-results"]


@pytest.mark.parametrize(
    ("batch", "finding"),
    [
        (results(None), "its value is null"),
        (results(result(), content_type=None), "its content type is None, expected 'application/vnd.penstock.result+"),
        (results(result(), content_type="text/plain"), "its content type is 'text/plain', expected"),
        (results(result(), route=None), "it has no header 'penstock-route'"),
        (results(result(), version=None), "it has no header 'penstock-config-version'"),
        (results(result(), version="new"), "its header 'penstock-config-version' is 'new', expected a whole number"),
        (results(result(), version="²"), "its header 'penstock-config-version' is '²', expected a whole number"),
        (results(b"poison"), "its value is no result: JSON is malformed"),
        (results(b"{}"), "its value is no result: Object missing required field `prediction`"),
        (results(b"[1]"), "its value is no result: Expected `object`, got `array`"),
    ],
)
def test_a_record_that_is_no_result_is_a_fault(batch: Results, finding: str) -> None:
    """Somebody else wrote to the topic of results: the reason says how one can tell."""
    code, reason = cause(renderer(output(format="text")).render(*batch))

    assert code == "ENVELOPE"
    assert reason.startswith(f"the record is no result of Penstock's: {finding}")
    assert reason.endswith("; who else writes to this topic?")


@pytest.mark.parametrize(
    ("keys", "value", "reason"),
    [
        (
            {"format": "json", "transform": NAMES},
            result(5),
            "transform 'map_prediction': prediction '5' is not in the table, which has '0'",
        ),
        (
            {"format": "text", "transform": [{"select": ["scored_at"]}]},
            result(),
            "transform 'output': format 'text' needs the field 'prediction', which the transforms removed",
        ),
        (
            {"format": "tagged"},
            b'{"prediction":0}',
            f"transform 'output': {NO_INPUT}",
        ),
    ],
)
def test_results_that_do_not_fit_are_faults(keys: dict[str, Any], value: bytes, reason: str) -> None:
    """No prediction is made up."""
    assert cause(renderer(output(**keys)).render(*results(value))) == ("TRANSFORM", reason)


def test_a_record_too_large_is_told_before_it_is_sent() -> None:
    """The result is kept as a dead letter."""
    code, reason = cause(renderer(limit=1_000).render(*results(result(input="a" * 2_000))))

    assert code == "OVERSIZE"
    assert reason.endswith("at most 1000 are allowed (limits.max_request_bytes)")


def test_one_bad_result_does_not_fail_its_batch() -> None:
    """Every result has its own delivery, in their order."""
    found = renderer(output(format="text")).render(*results(result("a"), b"poison", None, result("b")))

    assert found.topics == ["iris-results", "penstock.dead-letters", "penstock.dead-letters", "iris-results"]
    assert found.values == [b"a", None, None, b"b"]


def test_an_empty_batch_has_no_deliveries() -> None:
    """Nothing in, nothing out."""
    assert renderer().render(*results()) == Deliveries()


@pytest.mark.parametrize("form", ["json", "text", "tagged", "value"])
@pytest.mark.parametrize("transform", [[], NAMES, [{"default": {"prediction": "none"}}, {"template": "{prediction}"}]])
@given(
    value=st.binary(max_size=30)
    | st.none()
    | st.builds(result, st.none() | st.text() | st.integers() | st.lists(st.text()))
)
def test_every_result_has_one_delivery(form: str, transform: list[Any], value: bytes | None) -> None:
    """Whatever comes: one delivery, and never our own fault."""
    deliveries = renderer(output(format=form, transform=transform)).render(*results(value))

    assert len(deliveries.topics) == len(deliveries.values) == len(deliveries.headers) == 1
    assert unpack_headers(deliveries.headers[0]).get("penstock-error-code") != "INTERNAL"


@pytest.mark.parametrize(("now_ms", "code"), [(TIMESTAMP_MS + 2000, None), (TIMESTAMP_MS + 2001, "DEADLINE")])
def test_a_score_past_its_deadline_is_not_written(now_ms: int, code: str | None) -> None:
    """When its event was written, the result tells: its moment less its latency. Other routes have all the time."""
    found = document(routes=[route(deadline_ms=2000), route("rose")])
    late = Renderer(
        nobody, prefix="penstock", max_request_bytes=10_000, max_dead_letter_bytes=20_000, clock=lambda: now_ms / 1000
    )
    late.take(found)

    headers = unpack_headers(late.render(*results(result())).headers[0])
    assert headers.get("penstock-error-code") == code
    assert late.render(*results(result(), route="rose")).topics == ["rose-results"]


def test_a_result_without_its_time_has_no_deadline_to_keep() -> None:
    """Somebody else wrote it."""
    found = renderer(document(routes=[route(deadline_ms=2000)]))

    code, reason = cause(found.render(*results(b'{"prediction":1}')))

    assert code == "ENVELOPE"
    assert "its value is no result: Object missing required field `scored_at`" in reason
