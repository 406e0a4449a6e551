"""What is served follows the folders."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from penstock.local.model_server.keeper import Keeper
from penstock.local.model_server.repository import Repository, State

if TYPE_CHECKING:
    from pathlib import Path


class Model:
    """A model without anything in it."""

    signatures: dict[str, Any] = {}  # noqa: RUF012 (as the protocol has it; nobody writes it)

    def run(self, name: str, inputs: Any) -> dict[str, Any]:
        """Give nothing."""
        return {}

    def close(self) -> None:
        """Nothing is open."""


def load(path: Path) -> Model:
    """Open a folder; one of them is nothing that anybody foresaw."""
    if path.parent.name == "odd":
        raise KeyError(0)
    return Model()


def test_folder_that_breaks_the_loader_costs_no_other_model(tmp_path: Path) -> None:
    """It has failed, and says why; else it would be on its way up for ever, and those after it with it."""
    for name in ("even", "odd", "plain"):
        (tmp_path / name / "1").mkdir(parents=True)
    repository = Repository()
    keeper = Keeper(repository, tmp_path, load)
    try:
        asyncio.run(keeper.look())
    finally:
        keeper.close()

    states = {name: repository.states(name)[1] for name in ("even", "odd", "plain")}
    assert {name: each.state for name, each in states.items()} == {
        "even": State.AVAILABLE,
        "odd": State.END,
        "plain": State.AVAILABLE,
    }
    assert "KeyError: 0" in str(states["odd"].error)


class Stuck(Model):
    """A model that does not let itself be closed."""

    def close(self) -> None:
        """Fail, as no one foresaw."""
        raise RuntimeError("the session is gone")


def test_model_that_cannot_be_closed_is_gone_all_the_same(tmp_path: Path) -> None:
    """Else it would be on its way out for ever, and those after it would not get their turn."""
    for name in ("a", "b"):
        (tmp_path / name / "1").mkdir(parents=True)
    repository = Repository()
    keeper = Keeper(repository, tmp_path, lambda _: Stuck())

    async def come_and_go() -> None:
        await keeper.look()
        for name in ("a", "b"):
            (tmp_path / name / "1").rmdir()
        await keeper.look()

    try:
        asyncio.run(come_and_go())
    finally:
        keeper.close()

    assert [repository.states(name)[1].state for name in ("a", "b")] == [State.END, State.END]
