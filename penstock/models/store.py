"""Stores of models' files: a folder, or whatever a URI's scheme names, through fsspec.

What a store answers may be something else a moment later (`StoreError.passing`); what is wrong before it is asked is
not.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from penstock.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penstock.sections import ModelsSettings

__all__ = ["Store", "shown_uri"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: Schemes whose options, and whose package, are another scheme's.
_FAMILY = {"s3a": "s3", "gcs": "gs", "https": "http", "az": "azure", "abfs": "azure", "abfss": "azure"}
#: Which package opens a scheme, where it is not one that everybody has; our own extra has the scheme's name.
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "azure": "adlfs", "http": "aiohttp"}
#: Where a file's folder must be made before the file.
_HIERARCHIC = frozenset({"hdfs", "webhdfs", "ftp", "sftp", "smb"})
#: What stores are given unless `models.options` says otherwise.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            # Many servers that speak S3 do not know the trailing checksums of newer clients; ours is the SHA-256.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            # A server that is away is found out in seconds: the host tries again.
            "connect_timeout": 5,
            "read_timeout": 30,
            "retries": {"max_attempts": 2},
        },
    },
}
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK = 1 << 20
#: Of what a library says about a failure so much is shown.
_MOST_SHOWN = 300


class Store:
    """Reads and writes files by URI: a path, ``file://``, or a scheme that fsspec knows. For any number of threads."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]] | None = None, *, patience_s: float = 120.0) -> None:
        """Prepare; nothing is opened yet.

        Args:
            options: for each scheme what fsspec's file system is made with.
            patience_s: how long a file may take; a store that hangs is given up then, where its client allows it.
        """
        self._options = options or {}
        self._patience_s = patience_s
        self._making = threading.Lock()
        self._systems: dict[str, Any] = {}

    @classmethod
    def of(cls, settings: ModelsSettings) -> Self:
        """Return the store with the options that the settings have."""
        options = {scheme: secret.get_secret_value() for scheme, secret in settings.options.items()}
        return cls(options, patience_s=settings.load_timeout_ms / 1000)

    def fetch(self, uri: str, to: Path, most_bytes: int | None = None) -> None:
        """Copy the file that the URI names to the path ``to``, which is made or overwritten.

        Raises `StoreError`, also where the file has more than ``most_bytes``.
        """
        meter = _Meter(uri, most_bytes, time.monotonic() + self._patience_s)
        place = _local(uri)
        with self._telling(uri, "read"):
            if place is not None:
                _copy(place, to, meter)
            else:
                system, path = self._open(uri)
                system.get_file(path, str(to), callback=meter.callback(), **self._patience(system))

    def put(self, path: Path, uri: str) -> None:
        """Copy the file at ``path`` to where the URI says; what is there already is replaced.

        Raises `StoreError`.
        """
        place = _local(uri)
        with self._telling(uri, "written"):
            if place is not None:
                _place(path, place)
                return
            if _family(uri) == "http":
                raise StoreError(
                    shown_uri(uri), "files on http(s) can be read, not written; set models.store to another kind"
                )
            system, there = self._open(uri)
            if _family(uri) in _HIERARCHIC:
                system.makedirs(there.rpartition("/")[0], exist_ok=True)
            system.put_file(str(path), there, **self._patience(system))

    def exists(self, uri: str) -> bool:
        """Tell whether there is a file at the URI.

        Raises `StoreError` where the store does not say.
        """
        place = _local(uri)
        with self._telling(uri, "looked for"):
            if place is not None:
                return place.is_file()
            system, path = self._open(uri)
            if _family(uri) == "http":  # without strict, a server that is away would be one without the file
                return bool(system.exists(path, strict=True, **self._patience(system)))
            try:
                return bool(system.info(path, **self._patience(system))["type"] == "file")
            except FileNotFoundError:
                return False

    def _patience(self, system: Any) -> dict[str, float]:
        """The time limit, for the file systems that know one: those whose calls are coroutines underneath."""
        return {"timeout": self._patience_s} if getattr(system, "async_impl", False) else {}

    def _open(self, uri: str) -> tuple[Any, str]:
        """Return the URI's file system and the path in it; one client serves all threads."""
        from fsspec.core import split_protocol
        from fsspec.registry import get_filesystem_class, known_implementations, registry

        scheme, _ = split_protocol(uri)
        family = _family(uri)
        if scheme not in known_implementations and scheme not in registry:
            raise StoreError(
                shown_uri(uri), f"no store speaks {scheme}://; take file, s3, gs, hdfs or https, or a path"
            )
        try:
            kind = get_filesystem_class(scheme)
            # Users of one store share its connections; host and port, where the URI has them, are its own.
            place = kind._get_kwargs_from_urls(uri)  # noqa: SLF001 (what fsspec's own url_to_fs calls)
            options = _merged(_DEFAULTS.get(family, {}), {**self._options.get(family, {})})
            options |= {**(self._options.get(scheme, {}) if scheme != family else {}), **place}
            key = f"{scheme} {sorted(place.items())}"
            with self._making:
                system = self._systems.get(key)
                if system is None:
                    # A listing that was remembered would hide what came since.
                    system = kind(**options, use_listings_cache=False, skip_instance_cache=True)
                    self._systems[key] = system
            return system, kind._strip_protocol(uri)  # noqa: SLF001 (as above)
        except ImportError as error:
            package = _PACKAGES.get(family)
            advice = (
                f"needs the package {package!r}: install penstock[{family}] here, and where the jobs run"
                if package
                else f"needs something that is not installed: {error}"
            )
            raise StoreError(shown_uri(uri), f"{scheme}:// {advice}") from error
        except Exception as error:  # whatever a third party's constructor raises: it has not asked the store yet
            detail = f"{scheme}:// cannot be opened: {_said(error, uri)}; check the URI and models.options.{family}"
            raise StoreError(shown_uri(uri), detail) from error

    @contextmanager
    def _telling(self, uri: str, done: str) -> Iterator[None]:
        """Make one kind of error of the many that file systems have."""
        options = f"models.options.{_family(uri)}"
        try:
            yield
        except StoreError:
            raise
        except FileNotFoundError as error:
            detail = (
                "there is no such file, or not the folder or bucket that it is in; put it there, or correct the URI"
            )
            raise StoreError(shown_uri(uri), detail, True) from error
        except PermissionError as error:
            what = f"cannot be {done}: access is refused ({_said(error, uri)})"
            advice = "check the file's rights" if _local(uri) else f"check {options} and what its key may do"
            raise StoreError(shown_uri(uri), f"{what}; {advice}", True) from error
        except TimeoutError as error:
            detail = f"cannot be {done}: the store did not give all of it within {self._patience_s:g} s; is it up?"
            raise StoreError(shown_uri(uri), detail, True) from error
        except Exception as error:  # the boundary to third parties: each client has errors of its own
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                advice = "make room on the disk"
            else:
                advice = "is its disk in order?" if _local(uri) else f"is the store up, and is {options} right?"
            raise StoreError(shown_uri(uri), f"cannot be {done}: {_said(error, uri)}; {advice}", True) from error


class _Meter:
    """Ends a transfer that is too large or too slow."""

    def __init__(self, uri: str, most_bytes: int | None, until: float) -> None:
        self._uri = uri
        self._most_bytes = most_bytes
        self._until = until
        self._came = 0

    def expect(self, size: int | None) -> None:
        """Take the size that the store announces."""
        if size is not None and self._most_bytes is not None and size > self._most_bytes:
            detail = f"expected at most {self._most_bytes} bytes, got {size}; was another file put there?"
            raise StoreError(shown_uri(self._uri), detail)

    def count(self, more: int) -> None:
        """Take that so many bytes came."""
        self._came += more
        self.expect(self._came)
        if time.monotonic() > self._until:
            raise TimeoutError

    def callback(self) -> Any:
        """Return it as fsspec's file systems want it."""
        from fsspec.callbacks import Callback

        expect, count = self.expect, self.count

        class Watch(Callback):  # type: ignore[misc]  # fsspec is untyped
            def set_size(self, size: int | None) -> None:
                expect(size)

            def relative_update(self, inc: int = 1) -> None:
                count(inc)

        return Watch()


def shown_uri(uri: str) -> str:
    """A URI as messages and logs show it: without password and without query, which may be a signature."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "a URI that cannot be read"
    if "://" not in uri:
        return uri
    account, at, host = parts.netloc.rpartition("@")
    user, colon, _ = account.partition(":")
    netloc = f"{user}:***@{host}" if colon else parts.netloc
    if at and not colon and _family(uri) == "http":  # a token; with Azure's stores it is a container
        netloc = f"***@{host}"
    return parts._replace(netloc=netloc, query="***" if parts.query else "").geturl()


def _family(uri: str) -> str:
    found = _SCHEME.match(uri)
    scheme = found.group(1).lower() if found else "file"
    return _FAMILY.get(scheme, scheme)


def _local(uri: str) -> Path | None:
    """The path of a file on this machine; None where the URI is of another kind."""
    if "://" not in uri:
        return Path(uri)
    if _SCHEME.match(uri) is None or "::" in uri.partition("://")[0]:
        raise StoreError(shown_uri(uri), "expected a path or scheme://...; correct the URI")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        detail = f"expected a path or scheme://host/path, got what is no URI ({error}); correct it"
        raise StoreError(shown_uri(uri), detail) from error
    if _family(uri) != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        detail = f"a file:// URI names no machine, got {parts.netloc!r}; write file:///path"
        raise StoreError(shown_uri(uri), detail)
    return Path(unquote(parts.path))


def _copy(source: Path, to: Path, meter: _Meter) -> None:
    if not stat.S_ISREG(source.stat().st_mode):  # to open a pipe would wait for its writer
        raise StoreError(str(source), "expected a file, got something else; correct the URI")
    with source.open("rb") as coming, to.open("wb") as going:
        while chunk := coming.read(_CHUNK):
            going.write(chunk)
            meter.count(len(chunk))


def _place(path: Path, place: Path) -> None:
    """Copy in a way that nobody sees a part of the file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as going, path.open("rb") as coming:
            os.fchmod(handle, 0o644)  # those who load models may be others than those who add them
            shutil.copyfileobj(coming, going, _CHUNK)
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _merged(below[name], above[name]) for name in below if _is_tree(below[name], above.get(name))}
    return {**below, **above, **both}


def _is_tree(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _said(error: BaseException, uri: str) -> str:
    """What a library says, on one line, without what the URI must not show."""
    text = " ".join(str(error).replace(uri, shown_uri(uri)).split())
    query = urlsplit(uri).query
    text = text.replace(query, "***") if query else text
    return f"{type(error).__name__}: {text[:_MOST_SHOWN]}" if text else type(error).__name__
