"""How pytest-xdist deals tests out to two processes: by lanes (`tests.lanes`), in the order of the collection.

Its own way, a mark on each test, does nothing with pytest 9.2, without a word: tests that share a stack came to both.
"""

from __future__ import annotations

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests import lanes

__all__ = ["LaneScheduling"]


class LaneScheduling(LoadScopeScheduling):  # type: ignore[misc]  # its package has no types
    """One lane at a time for each process."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return lanes.lane(path.parts[1], path)
