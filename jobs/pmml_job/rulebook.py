"""How rules about a PMML file are written down: a function for each, with what it says and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from jobs.pmml_job.survey import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.pmml_job.survey import Breach, Node

    _Finder: TypeAlias = Callable[[Node], Breach]
    _Noter: TypeAlias = Callable[[Node], None]

__all__ = ["Rulebook"]


class Rulebook:
    """Rules in the order in which they are written down."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def rule(self, *elements: str, says: str, advice: str) -> Callable[[_Finder], _Finder]:
        """What has to be so with the elements of these names; the function tells what is not."""

        def add(find: _Finder) -> _Finder:
            self.rules.append(Rule(elements=elements, says=says, advice=advice, find=find))
            return find

        return add

    def note(self, *elements: str) -> Callable[[_Noter], _Noter]:
        """What has nothing against an element, and marks those around it, for their rules."""

        def add(find: _Noter) -> _Noter:
            self.rules.append(Rule(elements=elements, says="", advice="", find=find))
            return find

        return add
