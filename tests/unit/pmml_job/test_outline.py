"""The outline: what is kept of a PMML file, and which files are refused."""

import pytest

from jobs.pmml_job.outline import outline

MODEL = (
    "<DataDictionary><DataField name='a'/></DataDictionary>"
    "<TreeModel><MiningSchema><MiningField name='a'/></MiningSchema>"
)


def test_only_the_wanted_parts_are_kept() -> None:
    """The dictionary and the model's own mining schema are kept whole; trees and nested models are not built."""
    root = outline(
        f"<PMML><Header><Annotation/></Header>{MODEL}<Node><True/></Node>"
        "<Segment><TreeModel><MiningSchema/></TreeModel></Segment></TreeModel></PMML>".encode()
    )
    assert [element.name for element in root.elements] == ["Header", "DataDictionary", "TreeModel"]
    assert root.child("Header").elements == []
    assert [element.name for element in root.model().elements] == ["MiningSchema"]
    assert root.model().child("MiningSchema").child("MiningField").need("name") == "a"


@pytest.mark.parametrize("start", ["<PMML>", "<PMML xmlns='http://www.dmg.org/PMML-3_2'>"])
def test_namespace_does_not_matter(start: str) -> None:
    """Every version of PMML has its own namespace, and some files have none."""
    assert outline(f"{start}{MODEL}</TreeModel></PMML>".encode()).child("DataDictionary").child("DataField")


def test_prefixed_names_are_read() -> None:
    """A prefix is only a way to write the namespace."""
    assert (
        outline(b"<p:PMML xmlns:p='http://www.dmg.org/PMML-4_4'><p:Header/></p:PMML>").child("Header").name == "Header"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is no XML: no element found"),
        (b"not xml", "the file is no XML"),
        (b"<PMML>", "the file is no XML"),
        (b"<html/>", "expected the root element PMML, got html"),
        (b"<PMML a='\xff'/>", "the file is not UTF-8"),
        (b"<!DOCTYPE PMML SYSTEM 'http://localhost/x.dtd'><PMML/>", "the file has a document type declaration"),
        (b"<!DOCTYPE PMML [<!ENTITY a 'b'>]><PMML>&a;</PMML>", "the file has a document type declaration"),
    ],
)
def test_file_is_refused(data: bytes, message: str) -> None:
    """What is no PMML is refused, and so is everything that could make a parser read other files or grow."""
    with pytest.raises(ValueError, match=message):
        outline(data)


def test_what_is_missing_is_named() -> None:
    """A part that is not there is told by its name."""
    root = outline(b"<PMML><Header/></PMML>")
    with pytest.raises(ValueError, match="element PMML has no DataDictionary"):
        root.child("DataDictionary")
    with pytest.raises(ValueError, match="the file has no model with a MiningSchema"):
        root.model()
    with pytest.raises(ValueError, match="element Header has no attribute copyright"):
        root.child("Header").need("copyright")
