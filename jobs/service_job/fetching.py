"""Payloads by reference: fetches what an event names by its URI, from where the installation allows, within bounds.

Events are strangers' words. What is refused here keeps them from having us read what only we can reach.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from jobs.service_job.allowing import Refused, allowance, normal
from jobs.service_job.http_fetching import HttpFetcher, Unfetched
from penstock.errors import FetchError, SettingsError, StoreError
from penstock.models.store import Store, shown_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.service_job.allowing import Allowed
    from penstock.settings import Settings

__all__ = ["Fetcher", "Limits", "allowed_by"]

_HTTP = ("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, and how long."""

    most_bytes: int
    timeout_s: float
    """For one payload in all, redirects included."""


class Fetcher:
    """Fetches payloads; for any number of threads."""

    def __init__(
        self, allowed: Sequence[Allowed], limits: Limits, store: Store, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            allowed: beginnings of URIs that may be fetched; none: nothing may.
            limits: of one payload.
            store: reads what is not on a web server; its patience is the same as the limits'.
            clock: seconds, as `time.monotonic`.
        """
        self._allowed = tuple(allowed)
        self._limits = limits
        self._store = store
        self._http = HttpFetcher(self._allowed, limits.most_bytes, clock)
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return one by the settings; stores are opened with what `models.options` says.

        Raises `SettingsError`.
        """
        fetch = settings.service.fetch
        limits = Limits(most_bytes=fetch.most_bytes, timeout_s=fetch.timeout_ms / 1000)
        options = {scheme: secret.get_secret_value() for scheme, secret in settings.models.options.items()}
        return cls(allowed_by(settings), limits, Store(options, patience_s=limits.timeout_s))

    def fetch(self, uri: str) -> bytes:
        """Return the bytes that the URI names. Raises `FetchError`."""
        try:
            target = normal(uri, self._allowed)
            if target.scheme in _HTTP:
                return self._http.fetch(target, self._clock() + self._limits.timeout_s)
            if target.scheme == "file":
                _refuse_links(target.uri, self._allowed)
            return self._stored(target.uri)
        except (Refused, Unfetched) as error:
            raise FetchError(shown_uri(uri), str(error)) from error
        except StoreError as error:
            raise FetchError(shown_uri(uri), error.detail) from error

    def _stored(self, uri: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="penstock-fetch-") as folder:
            place = Path(folder) / "payload"
            self._store.fetch(uri, place, self._limits.most_bytes)
            return place.read_bytes()

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()


def allowed_by(settings: Settings) -> tuple[Allowed, ...]:
    """Return what the settings allow. Raises `SettingsError` where a beginning cannot be understood."""
    try:
        return tuple(allowance(each) for each in settings.service.fetch.allow)
    except ValueError as error:
        raise SettingsError((str(error),)) from error


def _refuse_links(uri: str, allowed: Sequence[Allowed]) -> None:
    """A link inside an allowed folder may lead out of it."""
    real = Path(unquote(urlsplit(uri).path)).resolve()
    folders = (Path(each.path).resolve() for each in allowed if each.scheme == "file")
    if not any(real.is_relative_to(folder) for folder in folders):
        raise Refused("it is a link that leads out of what service.fetch.allow has")
