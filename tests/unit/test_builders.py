"""The shipped builders make what the real stages make: else tests with them would prove nothing."""

from typing import Any

from input_adapter.router import Router
from penstock.event import CONTENT_TYPE, MODEL
from penstock.testing.builders import document, events, filled, request, requests, route


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
    assert [filled(made.headers[0])[name] for name in (MODEL, CONTENT_TYPE)] == [
        built.models[0],
        built.content_types[0],
    ]


def test_headers_are_filled_as_the_engine_does() -> None:
    """Place and time stand where the router left them blank."""
    headers = filled(router().route(*events(b'{"type":"iris"}')).headers[0], place="events/3/14")

    assert headers["ce_id"] == "events/3/14"
    assert headers["ce_time"] == "2026-01-02T03:04:05.678Z"
