"""What the doctor looks at: the parts for which nobody has to be asked."""

from __future__ import annotations

import pytest

from penstock.cli.checkup import Parts
from penstock.settings import Settings
from penstock.testing.builders import document


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        (None, "models' files are in "),
        ({"ca": "/nowhere.pem"}, "no job can be submitted from here; 'service.servers.own.tls.ca': there is no file "),
    ],
)
def test_certificates_that_are_not_here_are_told_and_no_fault(tls: dict[str, str] | None, said: str) -> None:
    """Jobs take them along when they are submitted, which may be done elsewhere."""
    settings = Settings(service={"servers": {"own": {"endpoints": ["serving:9000"], "tls": tls}}})

    first = next(Parts(settings, document(), "in force", 0.0).checks())

    assert (first.name, first.well) == ("settings", True)
    assert said in first.detail
