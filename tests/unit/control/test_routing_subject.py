"""Waiting for a version, beside the thread that follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from penstock.control.documents import Documents
from penstock.control.routing_subject import RoutingSubject
from penstock.testing import builders

if TYPE_CHECKING:
    from penstock.control.documents import LiveDocument


class _Overtaken(Documents):
    """Takes a document right after somebody looked for it in vain."""

    def version(self, number: int) -> LiveDocument | None:
        found = super().version(number)
        if found is None:
            self.offer(builders.document(version=number).model_dump_json(exclude_none=True).encode(), 0, number)
        return found


def test_a_version_that_is_over_is_not_waited_for() -> None:
    """It does not come again: however patient whoever asks is, the answer is there at once."""
    documents = Documents()
    documents.offer(builders.document(version=7).model_dump_json(exclude_none=True).encode(), 0, 0)
    begun = time.monotonic()

    assert RoutingSubject("control", documents, lambda _: None).wait_for(4, 60) is None
    assert time.monotonic() - begun < 30


def test_a_version_that_comes_between_two_looks_is_found() -> None:
    """Neither is it there at the first look, nor is it yet to come at the second: its results are no dead letters."""
    documents = _Overtaken()
    subject = RoutingSubject("control", documents, lambda _: None)

    found = subject.wait_for(7, 60)

    assert found is not None
    assert found.version == 7
