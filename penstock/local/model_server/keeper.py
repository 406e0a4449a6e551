"""Keeps what is served equal to what lies in the folders: looks, loads beside serving, and lets go."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.local.model_server import folders
from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.repository import All, Load, ModelConfig, Policy, State
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from penstock.local.model_server.repository import Found, Repository, Servable, Version

__all__ = ["Keeper"]

_log = get_logger(__name__)


class Keeper:
    """Looks at the folders every so often. Belongs to one event loop; loads one model at a time, in a thread."""

    def __init__(self, repository: Repository, folder: Path | None, load: Callable[[Path], Servable]) -> None:
        """Prepare.

        Args:
            repository: what is served.
            folder: each folder in it is a model; None, or after `configure`: only the models that were named.
            load: opens a SavedModel.
        """
        self._repository = repository
        self._folder = folder
        self._policy: Policy = All()
        self._load = load
        self._thread = ThreadPoolExecutor(1, "loading")
        self._once = asyncio.Lock()
        self._nudged = asyncio.Event()

    async def run(self, poll_s: float) -> None:
        """Look again and again, also when nudged, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), poll_s)
            self._nudged.clear()
            try:
                await self.look()
            except Exception:  # noqa: BLE001  whatever a disk does: what is loaded is served on, and the next look may do
                _log.exception("models' folders cannot be looked at")

    def nudge(self) -> None:
        """Have the folders looked at now; from the loop's own thread."""
        self._nudged.set()

    async def look(self) -> None:
        """Look once; returns when all that is wanted is loaded, or has failed."""
        async with self._once:
            await self._look()

    async def configure(self, configs: Mapping[str, ModelConfig]) -> None:
        """Serve these models and no others from now on; returns when they are available.

        Raises `Refusal` where one is not.
        """
        async with self._once:  # never while a look still finds what is to be served in the folder
            self._folder = None
            self._repository.configure(configs)
            await self._look()
        for name, config in configs.items():
            states = self._repository.states(name)
            if not any(each.state is State.AVAILABLE for each in states.values()):
                raise Refusal(Code.UNKNOWN, f"Some models did not become available: {{{name} in {config.base}}}")

    def close(self) -> None:
        """End the thread, after what it is at."""
        self._thread.shutdown(cancel_futures=True)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        configs = self._repository.configs
        if self._folder is not None:
            configs = await loop.run_in_executor(None, self._discovered, self._folder)
            self._repository.configure(configs)
        self._repository.offer(await loop.run_in_executor(None, _found, configs))
        await self._take_steps()

    async def _take_steps(self) -> None:
        """Do what is to be done; what came up by that, too: a version that is available lets another one go."""
        while steps := list(self._repository.steps()):
            for step in steps:
                if isinstance(step, Load):
                    await self._take_up(step.version)
                else:
                    await self._let_go(step.version)

    async def _take_up(self, version: Version) -> None:
        loop = asyncio.get_running_loop()
        facts = {"model": version.model, "version": version.number}
        begin = loop.time()
        try:
            servable = await loop.run_in_executor(self._thread, self._opened, version.found.path)
        except Refusal as refusal:
            self._repository.failed(version, refusal)
            _log.error("a model cannot be loaded", **facts, path=str(version.found.path), reason=str(refusal))
        else:
            self._repository.loaded(version, servable)
            _log.info("a model is available", **facts, seconds=round(loop.time() - begin, 2))

    def _opened(self, path: Path) -> Servable:
        try:
            return self._load(path)
        except Refusal:
            raise
        except Exception as error:  # one folder that nobody foresaw must not keep the others from being loaded
            raise Refusal(Code.INTERNAL, f"{type(error).__name__}: {error}") from error

    async def _let_go(self, version: Version) -> None:
        loop = asyncio.get_running_loop()
        facts = {"model": version.model, "version": version.number}
        try:
            await loop.run_in_executor(self._thread, version.servable.close)
        except Exception:  # noqa: BLE001 (it is gone all the same: nobody is handed it, and the others' steps are to come)
            _log.exception("a model did not end well, its memory may stay taken", **facts)
        self._repository.unloaded(version)
        _log.info("a model is gone", **facts)

    def _discovered(self, folder: Path) -> dict[str, ModelConfig]:
        return {name: ModelConfig(folder / name, self._policy) for name in folders.models(folder)}


def _found(configs: Mapping[str, ModelConfig]) -> dict[str, Mapping[int, Found]]:
    return {name: folders.versions(config.base) for name, config in configs.items()}
