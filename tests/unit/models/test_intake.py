"""Intake: a file, what its author says and what it says itself make a descriptor, or reasons why not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.deployables import SCORING, Deployable
from penstock.errors import ModelChecksumError, ModelDescriptorError, ModelLoadError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.inspection import Checks
from penstock.models.intake import Intake, Offer, described, local_path, place, take
from penstock.models.pack import packed
from penstock.models.ref import ModelRef
from penstock.models.store import Store
from penstock.testing import inspection

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.models.findings import Finding

    Taking = Callable[..., Intake]

INPUTS = [{"name": "x", "type": "double", "optype": "continuous", "intervals": ["[0, 10]"]}]


@pytest.fixture
def taking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Taking:
    """Take a file whose inspection finds what it is told to."""
    monkeypatch.setitem(SCORING, "fake", Deployable(name="fake", module="penstock.testing"))
    file = tmp_path / "model.json"

    def run(told: dict[str, Any] | None = None, checks: Checks | None = None, **offered: Any) -> Intake:
        file.write_text(json.dumps(told or {}), encoding="utf-8")
        offer = {"ref": ModelRef("iris", 3), "job": "fake", "source": str(file), **offered}
        return take(Offer(**offer), Store(), tmp_path, checks or Checks())

    return run


def test_descriptor_has_what_the_file_says(taking: Taking, tmp_path: Path) -> None:
    """And the file's digest, size and place, which others can find."""
    found = taking({"fields": {"algorithm": "Oracle", "inputs": INPUTS, "producer": None}}).descriptor

    data = (tmp_path / "model.json").read_bytes()
    assert (str(found.ref), found.job, found.algorithm, found.inputs[0].intervals) == (
        "iris:3",
        "fake",
        "Oracle",
        ("[0, 10]",),
    )
    assert (found.sha256, found.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert found.uri == (tmp_path / "model.json").as_uri()


def test_author_wins_over_the_file(taking: Taking) -> None:
    """Of what is theirs to say; what is in the file stays."""
    said = {"description": "mine", "prediction": "y", "sample": {"x": 1}, "sha256": "0", "algorithm": "magic"}
    found = taking({"fields": {"algorithm": "Oracle", "prediction": "z"}}, said=said).descriptor

    assert (found.description, found.prediction, found.sample, found.algorithm) == ("mine", "y", {"x": 1}, "Oracle")


def test_inputs_that_agree_are_the_files(taking: Taking) -> None:
    """The author gives names and types, the file knows more of them."""
    found = taking({"fields": {"inputs": INPUTS}}, said={"inputs": [{"name": "x", "type": "double"}]}).descriptor

    assert found.inputs[0].optype == "continuous"


def test_inputs_of_another_file_are_refused(taking: Taking) -> None:
    """The descriptor is out of date, or the file is another."""
    with pytest.raises(
        ModelLoadError, match=r"its descriptor has inputs \{'y': 'double'\}, its file \{'x': 'double'\}"
    ):
        taking({"fields": {"inputs": INPUTS}}, said={"inputs": [{"name": "y", "type": "double"}]})


def test_changed_file_is_refused(taking: Taking) -> None:
    """Where its digest is known beforehand."""
    with pytest.raises(ModelChecksumError, match="expected sha256 0000"):
        taking(sha256="0" * 64)


def test_file_that_is_not_there_is_told(taking: Taking, tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(
        ModelLoadError,
        match=r"its file '.*/nowhere.pmml' cannot be read \(No such file or directory\): correct the path",
    ):
        taking(source=str(tmp_path / "nowhere.pmml"))


def test_what_makes_no_descriptor_is_told(taking: Taking) -> None:
    """With each key."""
    with pytest.raises(ModelDescriptorError, match="sample"):
        taking(said={"sample": 1})


def test_faults_refuse_and_warnings_do_not(taking: Taking) -> None:
    """All of them are kept to be shown; an error in one line has the first."""
    told = {"findings": [{}, {"line": 13}, {"line": 14}, {"line": 15}, {"severity": "warning", "line": 1}]}
    refused = taking(told)

    assert [each.line for each in refused.faults] == [12, 13, 14, 15]
    assert len(refused.findings) == 5
    with pytest.raises(ModelLoadError, match=r"'iris:3' cannot be loaded: 12:5: MiningField: .*; and 1 more$"):
        refused.require()
    taking(told, Checks(lax=True)).require()


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("models/m.pmml", "models/m.pmml"),
        ("file:///opt/my%20model.pmml", "/opt/my model.pmml"),
        ("file://localhost/m.pmml", "/m.pmml"),
        ("file://elsewhere/m.pmml", None),
        ("s3://bucket/m.pmml", None),
        ("http://[m.pmml", None),
        ("file://[m.pmml", None),
    ],
)
def test_files_of_this_machine(source: str, path: str | None) -> None:
    """By path or by file URI; all others are their store's."""
    assert local_path(source) == (None if path is None else Path(path))


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (
            inspection.finding(),
            "12:5: MiningField: a field has a name that the data dictionary knows; 'nope' is none; name one of it",
        ),
        (inspection.finding(line=None, column=None, element="", found="", advice=""), inspection.finding().rule),
        (inspection.finding(column=None, advice=""), f"12: MiningField: {inspection.finding().rule}; 'nope' is none"),
    ],
)
def test_finding_in_a_line(finding: Finding, text: str) -> None:
    """Where, which rule, what was found, what to do: as far as there is something to say."""
    assert place(finding) == text


def test_descriptor_file_makes_an_offer(plain: Callable[..., dict[str, Any]]) -> None:
    """Its digest binds the file."""
    made = ModelDescriptor.parse(plain(description="mine", inputs=[{"name": "x", "type": "double"}]), "here")

    assert described(made) == Offer(
        ref=made.ref,
        job="pmml",
        source="model.pmml",
        sha256=made.sha256,
        said={"description": "mine", "format": "pmml", "inputs": [{"name": "x", "type": "double"}]},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder as an engine saves its models."""
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "fields").write_bytes(b"1")
    return folder


def test_folder_is_packed(saved: Path, tmp_path: Path) -> None:
    """Its digest is that of the packed file, which is kept; it comes from where the folder is."""
    offer = Offer(ref=ModelRef("iris", 3), job="spark", source=str(saved))
    found = take(offer, Store(), tmp_path, Checks())

    assert found.path is not None
    assert found.packed
    assert found.path.read_bytes() == packed(saved)
    assert (found.descriptor.format, found.descriptor.uri) == ("spark-ml", saved.as_uri())
    assert found.descriptor.sha256 == hashlib.sha256(packed(saved)).hexdigest()


def test_packed_folder_is_looked_at(tmp_path: Path) -> None:
    """Before any worker unpacks it."""
    file = tmp_path / "model.zip"
    file.write_bytes(b"no folder")
    offer = Offer(ref=ModelRef("iris", 3), job="spark", source=str(file))

    with pytest.raises(ModelLoadError, match="expected a folder in a ZIP file"):
        take(offer, Store(), tmp_path, Checks())


def test_folder_is_no_model_of_files(taking: Taking, saved: Path) -> None:
    """Somebody left the file's name out, or the job."""
    with pytest.raises(ModelLoadError, match="models of job 'fake' are files; name the file in it, or the job"):
        taking(source=str(saved))


def test_model_of_a_server_is_taken_at_its_word(tmp_path: Path) -> None:
    """There is nothing to look into."""
    said = {"format": "tensorflow-serving", "server": {"model": "digits", "label": "stable"}}
    found = take(Offer(ref=ModelRef("iris", 3), job="service", source=None, said=said), Store(), tmp_path, Checks())

    assert (found.path, found.faults) == (None, ())
    assert found.descriptor.on_server.label == "stable"
    assert described(found.descriptor).said == {
        "format": "tensorflow-serving",
        "server": {"model": "digits", "label": "stable"},
    }
