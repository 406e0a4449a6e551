"""What ``penstock models add`` is told of a model: options, a descriptor file, or both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from penstock.cli.models.offers import offering
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from click.testing import Result

    from penstock.models.intake import Offer

SAMPLE = Path(__file__).parents[2] / "models" / "iris-tree" / "1"


@pytest.fixture
def offers() -> list[Offer]:
    """What the command was given."""
    return []


def told(offers: list[Offer], *arguments: str | Path) -> Result:
    """Call a command that takes an offer."""

    @click.command
    @offering
    def command(offer: Offer) -> None:
        offers.append(offer)

    return CliRunner().invoke(command, [str(each) for each in arguments])


def test_options_say_all(offers: list[Offer]) -> None:
    """The job is that of PMML where nobody says another."""
    told(offers, "m.pmml", "--name", "a", "--version", "0", "--sample", '{"x": 1}', "--prediction", "y")

    assert (offers[0].ref, offers[0].job, offers[0].source) == (ModelRef("a", 0), "pmml", "m.pmml")
    assert offers[0].said == {"sample": {"x": 1}, "prediction": "y"}


def test_descriptor_says_all(offers: list[Offer]) -> None:
    """The file, too, with the digest that it is to have."""
    told(offers, "--descriptor", SAMPLE / "descriptor.yaml")

    assert (offers[0].ref, offers[0].source) == (ModelRef("iris-tree", 1), str(SAMPLE / "model.pmml"))
    assert offers[0].sha256
    assert offers[0].said["prediction"] == "predicted_label"


def test_options_win_over_the_descriptor(offers: list[Offer]) -> None:
    """For a second version, say; what only the descriptor says stays."""
    told(offers, "other.pmml", "--descriptor", SAMPLE / "descriptor.yaml", "--version", "2", "--description", "new")

    assert (offers[0].ref, offers[0].source) == (ModelRef("iris-tree", 2), "other.pmml")
    assert (offers[0].said["description"], offers[0].said["prediction"]) == ("new", "predicted_label")


def test_sample_from_a_file(offers: list[Offer], tmp_path: Path) -> None:
    """As other tools have it."""
    (tmp_path / "sample.json").write_text("[1, 2]", encoding="utf-8")
    told(offers, "m.pmml", "--name", "a", "--version", "1", "--sample", f"@{tmp_path / 'sample.json'}")

    assert offers[0].said == {"sample": [1, 2]}


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ((), "which file? Give a path or a URI, --descriptor with one that names it, or --server"),
        (("m.pmml", "--name", "a"), "a model needs --name and --version, or --descriptor with a file that says them"),
        (("m.pmml", "--name", "a", "--version", "1", "--sample", "{"), "expected JSON, or @FILE with JSON in it"),
        (("m.pmml", "--name", "a", "--version", "1", "--sample", "5"), "expected an object or a list, got '5'"),
        (("m.pmml", "--name", "a", "--version", "-1"), "-1 is not in the range"),
        (("m.pmml", "--name", "a:2", "--version", "1"), "expected a name without a version, got 'a:2'"),
    ],
)
def test_wrong_usage_is_told(offers: list[Offer], arguments: tuple[str, ...], advice: str) -> None:
    """With what to do; nothing was tried."""
    result = told(offers, *arguments)

    assert result.exit_code == 2
    assert advice in result.stderr
    assert offers == []


def test_model_of_a_server_needs_no_file(offers: list[Offer], tmp_path: Path) -> None:
    """Its descriptor says that it is there."""
    tree = {"name": "a", "version": 1, "job": "service", "format": "open-inference", "server": {"name": "big"}}
    (tmp_path / "descriptor.yaml").write_text(json.dumps(tree), encoding="utf-8")
    told(offers, "--descriptor", tmp_path / "descriptor.yaml")

    assert (offers[0].source, offers[0].sha256, offers[0].job) == (None, None, "service")
    assert offers[0].said["server"]["name"] == "big"


def test_model_of_a_server_has_no_file(offers: list[Offer]) -> None:
    """It is known by what its server calls it, and scored by the service job."""
    what = ("--remote-model", "digits", "--label", "stable", "--signature", "png", "--method", "classify")
    told(offers, "--name", "a", "--version", "1", "--server", "gpu", *what)

    assert (offers[0].job, offers[0].source) == ("service", None)
    assert offers[0].said == {
        "format": "tensorflow-serving",
        "server": {"name": "gpu", "model": "digits", "label": "stable", "signature": "png", "method": "classify"},
    }


def test_other_protocol_is_another_format(offers: list[Offer]) -> None:
    """All else has its default."""
    told(offers, "--name", "a", "--version", "1", "--protocol", "open-inference")

    assert offers[0].said == {"format": "open-inference", "server": {}}


def test_model_for_the_embedded_server_has_a_file(offers: list[Offer]) -> None:
    """Its descriptor says how it is called; its format stays that of the file."""
    told(offers, "saved", "--name", "a", "--version", "1", "--signature", "png")

    assert (offers[0].job, offers[0].source) == ("service", "saved")
    assert offers[0].said == {"server": {"signature": "png"}}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--server", "gpu", "--job", "pmml"), "a server is asked by job 'service' alone, got --job pmml"),
        (("saved", "--protocol", "tensorflow"), "leave the file out, or --protocol"),
    ],
)
def test_server_without_sense_is_wrong_usage(offers: list[Offer], arguments: tuple[str, ...], fault: str) -> None:
    """Nothing is registered on a guess."""
    result = told(offers, "--name", "a", "--version", "1", *arguments)

    assert result.exit_code == 2
    assert fault in result.stderr
    assert not offers
