"""The shipped builders make what the real stages make: else tests with them would prove nothing."""

from typing import Any

from input_adapter.router import Router
from penstock.event import own_headers, unpack_headers
from penstock.testing.builders import document, events, request, requests, result, results, route


def router(**changes: Any) -> Router:
    """A router of a document with one route that has these keys replaced."""
    found = document(routes=[route(**changes)])
    return Router(found, prefix="penstock", max_request_bytes=10_000, max_dead_letter_bytes=20_000)


def test_requests_are_those_of_the_router() -> None:
    """Value, topic and headers of a transformed event."""
    made = router(transform=[{"select": ["n"]}]).route(*events(b'{"type":"iris","n":1}'))
    built = requests(request({"n": 1}, sent={"type": "iris", "n": 1}))

    assert made.values == built.values
    assert made.topics == built.topics
    assert unpack_headers(made.headers[0]) == own_headers(built.headers[0])


def test_results_carry_the_headers_of_their_request() -> None:
    """All but the content type."""
    before, after = own_headers(requests(b"").headers[0]), own_headers(results(result()).headers[0])

    assert {name for name in before if before[name] != after[name]} == {"content-type"}
    assert before.keys() == after.keys()


def test_headers_are_given_by_name() -> None:
    """Keyword arguments are Penstock's own headers without their prefix."""
    assert own_headers(results(b"", config_version="8").headers[0])["penstock-config-version"] == "8"
    assert requests(b"", model="iris-forest:2").topics == ["penstock.pmml.iris-forest"]
