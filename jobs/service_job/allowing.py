"""Which URIs may be fetched: compared part by part with what the installation allows. Pure.

A URI that two readers could understand in two ways is refused before it is compared: that is how most filters are
passed.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Allowed", "Refused", "Target", "allowance", "checked_addresses", "normal"]

#: Whole URIs in ASCII, without what readers disagree about: blanks, control characters, backslashes.
_PLAIN = re.compile(r"[a-z][a-z0-9+.-]*://[!-\[\]-~]*", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]")
_PORTS = {"http": 80, "https": 443}
_MOST_CHARACTERS = 4_000
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):  # noqa: N818 (never leaves the job: it becomes a FetchError)
    """A URI that may not be fetched, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The beginning of URIs that may be fetched."""

    scheme: str
    host: str
    """"" stands for every public host."""
    port: int | None
    path: str

    def covers(self, target: Target) -> bool:
        """Tell whether a target lies below it."""
        if self.scheme != target.scheme:
            return False
        if self.host and (self.host, self.port) != (target.host, target.port):
            return False
        if not self.host and target.scheme != "file" and target.port != _PORTS.get(target.scheme):
            return False
        return target.path.startswith(self.path) and (
            self.path.endswith("/") or target.path[len(self.path) : len(self.path) + 1] in ("", "/")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URI that may be fetched, in parts."""

    uri: str
    scheme: str
    host: str
    """In lower case; "" where the scheme has none."""
    port: int | None
    path: str
    request: str
    """Path and query as a web server gets them."""
    named: bool = False
    """Whether the installation names its host: then it may be one of its own network."""


def allowance(text: str) -> Allowed:
    """Read one beginning, such as ``https://images.example/cats/``, ``s3://bucket/images/`` or ``https://``.

    Raises `ValueError`.
    """
    try:
        parts = _parts(text)
        scheme, host = parts.scheme.lower(), _host(parts)
        port = _port(parts, scheme)
        path = unquote(_path(parts))
    except Refused as error:
        raise ValueError(f"service.fetch.allow has {text!r}: {error}") from error
    if parts.query:
        raise ValueError(f"service.fetch.allow has {text!r}: expected a beginning without '?'")
    if scheme == "file" and (host or path == "/"):
        raise ValueError(f"service.fetch.allow has {text!r}: expected a folder, as in file:///srv/images/")
    if not host and scheme != "file" and scheme not in _PORTS:
        raise ValueError(f"service.fetch.allow has {text!r}: expected a host or bucket, as in {scheme}://bucket/")
    return Allowed(scheme=scheme, host=host, port=port, path=path)


def normal(uri: str, allowed: Sequence[Allowed]) -> Target:
    """Take a URI apart, if it is one that may be fetched. Raises `Refused`."""
    if not allowed:
        raise Refused("payloads by reference are not allowed; name the beginnings of good URIs in service.fetch.allow")
    parts = _parts(uri)
    scheme, host = parts.scheme.lower(), _host(parts)
    if not host and scheme != "file":
        raise Refused("it names no host")
    if host and scheme == "file":
        raise Refused("a file:// URI names no machine")
    path = _path(parts)
    query = f"?{parts.query}" if parts.query else ""
    if scheme not in _PORTS and ".." in unquote(parts.query).replace("\\", "/").split("/"):
        raise Refused("what follows its '?' holds '..', and stores take that for a part of the path")
    target = Target(
        uri=parts._replace(fragment="").geturl(),
        scheme=scheme,
        host=host,
        port=_port(parts, scheme),
        path=unquote(path),
        request=f"{path}{query}",
    )
    covering = [each for each in allowed if each.covers(target)]
    if not covering:
        raise Refused("it begins with nothing that service.fetch.allow has")
    return replace(target, named=any(each.host for each in covering))


def checked_addresses(target: Target, found: Iterable[str]) -> list[str]:
    """The addresses of a target's host that may be connected to. Raises `Refused` where one of them may not.

    One bad address among good ones is no accident: then none of them is used.
    """
    addresses = list(dict.fromkeys(found))
    for each in addresses:
        if target.named and target.host.strip("[]") == each:
            continue
        address = _meant(each)
        never = address.is_link_local or address.is_multicast or address.is_unspecified
        never = never or (address.is_reserved and not address.is_loopback)
        # Networks of one's own have another range since; the old one counts as public in Python.
        public = address.is_global and not getattr(address, "is_site_local", False)
        if never or not (public or target.named):
            raise Refused(
                f"its host {target.host!r} has the address {each}, which is not public; to allow it, name the "
                + ("address" if never else "host")
                + " in service.fetch.allow"
            )
    return addresses


def _meant(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that is reached in the end: IPv6 has several ways to write one of IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _parts(uri: str) -> SplitResult:
    if len(uri) > _MOST_CHARACTERS:
        raise Refused(f"it has {len(uri)} characters, at most {_MOST_CHARACTERS} are taken")
    if not _PLAIN.fullmatch(uri) or "::" in _after_host(uri):  # by which fsspec chains one store to another
        raise Refused("expected scheme://host/path in plain ASCII (anything else percent-encoded)")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise Refused(f"it cannot be read: {error}") from error
    if "@" in parts.netloc:
        raise Refused("it holds a user name; credentials belong in models.options")
    return parts


def _after_host(uri: str) -> str:
    """What follows an address of IPv6, whose colons are in order; of any other URI all of it."""
    scheme, _, rest = uri.partition("://")
    return rest.partition("]")[2] if rest.startswith("[") and scheme.lower() in _PORTS else uri


def _host(parts: SplitResult) -> str:
    """The host as it is compared: in lower case, without the last dot."""
    host = parts.netloc
    if not host.endswith("]"):
        before, colon, port = host.rpartition(":")
        host = before if colon and port.isdecimal() else host
    host = host.lower()
    if host and not _HOST.fullmatch(host):
        raise Refused(f"{host!r} is no name of a host")
    return host.removesuffix(".")


def _port(parts: SplitResult, scheme: str) -> int | None:
    try:
        port = parts.port
    except ValueError as error:
        raise Refused(f"its port cannot be read: {error}") from error
    return _PORTS.get(scheme) if port is None else port


def _path(parts: SplitResult) -> str:
    """The path; one with dots, or with what only decoding makes a separator, may be another one on the server."""
    path = parts.path or "/"
    plain = unquote(path)
    if "\\" in plain or "\x00" in plain or "%2f" in path.lower() or "%25" in path:
        raise Refused("its path holds an encoded separator")
    if any(part in (".", "..") for part in plain.split("/")) or "//" in plain:
        raise Refused("its path holds '.', '..' or an empty part")
    return path
