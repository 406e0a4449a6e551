"""Settings that travel: plain data that makes the same settings on another machine."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from penstock.control.portable import pack, unpack
from penstock.errors import SettingsError
from penstock.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_come_back_as_they_went(tmp_path: Path) -> None:
    """All of them, secrets included, by way of data that JSON has."""
    settings = Settings(
        topics={"prefix": "p"},
        models={"options": {"s3": {"key": "k", "client_kwargs": {"verify": False}}}},
        kafka={
            "external": {
                "bootstrap_servers": "a:1",
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "u",
                "sasl_password": "secret",
            }
        },
        service={"servers": {"big": {"endpoints": ["a:1", "b:2"], "metadata": {"authorization": "secret"}}}},
    )

    assert unpack(json.loads(json.dumps(pack(settings))), tmp_path) == settings


def test_certificates_travel_as_text(tmp_path: Path) -> None:
    """The other machine has no copy of the files: it gets one that nobody else may read."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    for name in ("ca", "client", "key"):
        (here / f"{name}.pem").write_text(f"text of {name}", encoding="utf-8")
    external = {
        "bootstrap_servers": "a:1",
        "security_protocol": "SSL",
        "ssl_ca_file": here / "ca.pem",
        "ssl_certificate_file": here / "client.pem",
        "ssl_key_file": here / "key.pem",
    }
    packed = pack(Settings(kafka={"external": external, "internal": {**external, "bootstrap_servers": "b:1"}}))
    for file in here.iterdir():
        file.unlink()

    found = unpack(packed, there).kafka

    for cluster in (found.external, found.internal_cluster):
        files = [cluster.ssl_ca_file, cluster.ssl_certificate_file, cluster.ssl_key_file]
        texts = [file.read_text(encoding="utf-8") for file in files if file]
        assert texts == ["text of ca", "text of client", "text of key"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files if file} == {0o600}
    assert found.internal_cluster.bootstrap_servers == "b:1"


def test_certificates_of_model_servers_travel_too(tmp_path: Path) -> None:
    """Each under its server's name."""
    for name in ("ca", "one", "two"):
        (tmp_path / name).write_text(f"text of {name}", encoding="utf-8")
    servers = {
        "big": {"endpoints": ["a:1"], "tls": {"ca": tmp_path / "ca"}},
        "own": {"endpoints": ["b:1"], "tls": {"certificate": tmp_path / "one", "key": tmp_path / "two"}},
    }
    packed = pack(Settings(service={"servers": servers}))
    there = tmp_path / "there"
    there.mkdir()

    found = unpack(packed, there).service.servers

    files = [path for each in found.values() if each.tls for path in (each.tls.ca, each.tls.certificate, each.tls.key)]
    assert [path and path.read_text(encoding="utf-8") for path in files] == [
        *("text of ca", None, None),
        *(None, "text of one", "text of two"),
    ]
    assert {path.parent for path in files if path} == {there}


def test_certificate_that_is_not_here_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    """All of them at once, where jobs are submitted; to read the settings elsewhere needs none of them."""
    settings = Settings(
        kafka={"external": {"bootstrap_servers": "a:1", "security_protocol": "SSL", "ssl_ca_file": tmp_path}},
        service={"servers": {"big": {"endpoints": ["a:1"], "tls": {"ca": "/nowhere.pem"}}}},
    )

    with pytest.raises(SettingsError, match="2 faults") as raised:
        pack(settings)

    assert raised.value.faults[0].startswith(f"'kafka.external.ssl_ca_file': there is no file '{tmp_path}' that can")
    assert raised.value.faults[1].startswith("'service.servers.big.tls.ca': there is no file '/nowhere.pem' that can")
