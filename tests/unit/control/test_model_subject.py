"""A host's models as a follower's subject, and as what a worker tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from penstock.control.model_subject import ModelSubject

if TYPE_CHECKING:
    from penstock.control.model_subject import Host
    from penstock.models.host import ModelState


class Moving:
    """A host that takes a message whenever it is looked at."""

    def __init__(self) -> None:
        self.offset = 7

    def states(self) -> dict[str, ModelState]:
        """None; and one more message was seen."""
        self.offset += 1
        return {}

    def serving(self) -> dict[str, int]:
        """None, as above."""
        self.offset += 1
        return {}


def test_standing_is_never_older_than_its_offset() -> None:
    """Whoever waits for the answer to a message would take what was before it for that."""
    assert ModelSubject(cast("Host", Moving()), "pmml").standing().offset == 7
