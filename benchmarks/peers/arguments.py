"""What every reference program is told on its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Arguments", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Where to read, where to write."""

    bootstrap: str
    source: str
    outputs: tuple[str, ...]
    group: str
    model: str


def parse(description: str, arguments: Sequence[str] | None = None) -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bootstrap", required=True, help="brokers, host:port")
    parser.add_argument("--source", required=True, help="topic to read from its beginning")
    parser.add_argument("--outputs", required=True, nargs="+", help="topics to write")
    parser.add_argument("--group", required=True, help="consumer group")
    parser.add_argument("--model", default="", help="which model to score with, where the program scores")
    found = parser.parse_args(arguments)
    return Arguments(
        bootstrap=found.bootstrap,
        source=found.source,
        outputs=tuple(found.outputs),
        group=found.group,
        model=found.model,
    )
