"""The engine's metrics tell how many endpoints of each model server get no calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.gauges import show
from jobs.service_job.loader import ServiceLoader
from penstock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


class Group:
    """A group of metrics, and what is shown in it."""

    def __init__(self, path: str, shown: dict[str, Callable[[], int]]) -> None:
        self._path = path
        self._shown = shown

    def add_group(self, name: str) -> Group:
        """One below this."""
        return Group(f"{self._path}{name}.", self._shown)

    def gauge(self, name: str, obj: Callable[[], int]) -> None:
        """Keep it."""
        self._shown[f"{self._path}{name}"] = obj


def test_each_server_has_a_gauge() -> None:
    """It tells of that server whenever it is asked."""
    away = {"default": 0, "triton": 2}
    shown: dict[str, Callable[[], int]] = {}
    show(Group("", shown), away, away.__getitem__)
    away["default"] = 1

    assert {name: tell() for name, tell in shown.items()} == {
        "penstock.default.open_breakers": 1,
        "penstock.triton.open_breakers": 2,
    }


def test_server_of_no_model_is_not_away() -> None:
    """Nobody has asked it anything."""
    loader = ServiceLoader(Settings())

    assert loader.away("default") == 0
    loader.close()
