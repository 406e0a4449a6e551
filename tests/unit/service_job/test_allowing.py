"""What may be fetched is compared part by part; what could be read in two ways is refused."""

from __future__ import annotations

import pytest

from jobs.service_job.allowing import Refused, allowance, checked_addresses, normal

ALLOW = ("https://images.example/cats/", "http://10.0.0.5:9000/bucket", "s3://mine/photos/", "file:///srv/images/")


def taken(uri: str, *allow: str) -> str:
    """Check a URI; return what would be fetched."""
    return normal(uri, [allowance(each) for each in allow or ALLOW]).uri


@pytest.mark.parametrize(
    "uri",
    [
        "https://images.example/cats/1.png",
        "https://images.example/cats/a/b%20c.png?size=2",
        "HTTPS://Images.Example:443/cats/1.png",
        "https://images.example./cats/1.png",
        "http://10.0.0.5:9000/bucket",
        "http://10.0.0.5:9000/bucket/1.png",
        "s3://mine/photos/1.png",
        "file:///srv/images/1.png",
    ],
)
def test_what_lies_below_is_taken(uri: str) -> None:
    """Scheme, host, port and path all have to fit; letters' case and the usual port make no difference."""
    taken(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://images.example/cats/1.png",
        "https://images.example/dogs/1.png",
        "https://images.example/cats",
        "https://images.example:444/cats/1.png",
        "https://images.example.evil/cats/1.png",
        "https://evil/https://images.example/cats/1.png",
        "https://images.example@evil/cats/1.png",
        "https://evil#@images.example/cats/1.png",
        "https://evil\\@images.example/cats/1.png",
        "https://images.example/cats/../dogs/1.png",
        "https://images.example/cats/%2e%2e/dogs/1.png",
        "https://images.example/cats/..%2fdogs/1.png",
        "https://images.example/cats/%252e%252e/dogs/1.png",
        "https://images.example/cats/..%5cdogs/1.png",
        "https://images.example/cats/\n1.png",
        "https://images.exämple/cats/1.png",
        " https://images.example/cats/1.png",
        "//images.example/cats/1.png",
        "https:///cats/1.png",
        "https:images.example/cats/1.png",
        "https://images.example:99999/cats/1.png",
        "http://10.0.0.5:9000/bucket2/1.png",
        "s3://mine/private/1.png",
        "s3://mine/photos/x::http://evil/",
        "s3://mine/photos/x?/../../private/1.png",
        "s3://mine/photos/x?/%2e%2e/../private/1.png",
        "file:///etc/passwd",
        "file:///srv/images/../../etc/passwd",
        "file://evil/srv/images/1.png",
        "simplecache::https://images.example/cats/1.png",
        "gopher://images.example/cats/1.png",
        "/srv/images/1.png",
        "https://images.example/cats/" + "a" * 5_000,
        "",
    ],
)
def test_everything_else_is_refused(uri: str) -> None:
    """However much it looks like what is allowed."""
    with pytest.raises(Refused):
        taken(uri)


def test_nothing_is_allowed_unless_somebody_says_so() -> None:
    """The message says where."""
    with pytest.raises(Refused, match=r"service\.fetch\.allow"):
        normal("https://images.example/cats/1.png", [])


def test_any_host_can_be_allowed() -> None:
    """By a beginning without one; other ports are not."""
    assert taken("https://images.example/1.png", "https://")
    with pytest.raises(Refused):
        taken("https://images.example:8443/1.png", "https://")


@pytest.mark.parametrize(
    "text", ["images.example", "https://a@b/", "file:///", "s3://", "https://a/?b", "https://a/../b", "https://a b/"]
)
def test_beginnings_are_checked_themselves(text: str) -> None:
    """Where the settings are wrong, the job does not begin."""
    with pytest.raises(ValueError, match=r"service\.fetch\.allow has"):
        allowance(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_own_network_is_for_hosts_that_are_named(address: str) -> None:
    """A host that anybody may choose must not lead inside."""
    any_host = normal("https://images.example/1.png", [allowance("https://")])
    named = normal("https://images.example/cats/1.png", [allowance("https://images.example/cats/")])

    assert checked_addresses(named, [address]) == [address]
    with pytest.raises(Refused, match="not public"):
        checked_addresses(any_host, [address])


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "0.0.0.0",  # noqa: S104 (an address to refuse)
        "::",
        "224.0.0.1",
        "240.0.0.1",
        "::ffff:169.254.169.254",
    ],
)
def test_addresses_that_no_name_may_mean(address: str) -> None:
    """Clouds answer with credentials there: only who writes the address itself gets it."""
    named = normal("https://images.example/1.png", [allowance("https://images.example/")])

    with pytest.raises(Refused, match="name the address"):
        checked_addresses(named, [address])


def test_address_itself_can_be_named() -> None:
    """Then it is what was meant."""
    found = normal("http://169.254.1.1/1.png", [allowance("http://169.254.1.1/")])

    assert checked_addresses(found, ["169.254.1.1"]) == ["169.254.1.1"]


def test_one_bad_address_among_good_ones_is_enough() -> None:
    """A name that means both is no accident."""
    found = normal("https://images.example/1.png", [allowance("https://")])

    assert checked_addresses(found, ["93.184.216.34"]) == ["93.184.216.34"]
    with pytest.raises(Refused):
        checked_addresses(found, ["93.184.216.34", "127.0.0.1"])
