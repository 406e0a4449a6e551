"""What jobs run with: refused before anything changes, and kept as it was when it was applied."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from penstock import settings as settings_file
from penstock.errors import ModelChecksumError
from penstock.local import applied
from penstock.local.layout import Layout
from penstock.models.repository import read_catalog
from penstock.settings import Settings
from penstock.testing.builders import document, route

if TYPE_CHECKING:
    from penstock.routing.document import RoutingDocument

SAMPLE = Path(__file__).parents[3] / "models" / "iris-tree" / "1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a stack in a folder of its own, with one model."""
    folder = tmp_path / "models" / "iris-tree" / "1"
    folder.mkdir(parents=True)
    for name in ("descriptor.yaml", "model.pmml"):
        (folder / name).write_bytes((SAMPLE / name).read_bytes())
    made = Settings(
        local={"state_dir": tmp_path / "state"},
        models_dir=tmp_path / "models",
        kafka={"external": {"bootstrap_servers": "mine:9092"}},
    )
    Layout.of(made).make()
    return made


def apply(settings: Settings, wanted: RoutingDocument) -> None:
    """Look at a document and keep it, as a start does."""
    applied.keep(applied.look(settings, wanted).catalog, settings, Layout.of(settings))


def change(path: Path, **changes: Any) -> None:
    """Change keys of a YAML file."""
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_what_is_kept_is_what_was_applied(settings: Settings) -> None:
    """Submissions read copies, whatever becomes of the files that people edit."""
    before = list(read_catalog(settings.models_dir))
    apply(settings, document())
    change(settings.models_dir / "iris-tree" / "1" / "descriptor.yaml", description="edited, not applied")

    kept = settings_file.read(applied.settings_path(Layout.of(settings)))

    assert list(read_catalog(kept.models_dir)) == before
    assert settings_file.differences(settings, kept) == [
        f"models_dir: {settings.models_dir}, now {kept.models_dir}",
    ]


def test_models_that_are_gone_are_not_kept(settings: Settings) -> None:
    """What was applied last is all there is."""
    apply(settings, document())
    descriptor = settings.models_dir / "iris-tree" / "1" / "descriptor.yaml"
    change(descriptor, version=2)

    apply(settings, document(version=8, routes=[route(model="iris-tree")]))

    kept = settings_file.read(applied.settings_path(Layout.of(settings)))
    assert [str(each.ref) for each in read_catalog(kept.models_dir)] == ["iris-tree:2"]


def test_wrong_model_keeps_the_old_ones(settings: Settings) -> None:
    """What runs goes on, and the keeper still has what it needs."""
    apply(settings, document())
    layout = Layout.of(settings)
    before = {path: path.read_bytes() for path in applied.descriptors(layout)}
    digest = hashlib.sha256(b"other").hexdigest()
    change(settings.models_dir / "iris-tree" / "1" / "descriptor.yaml", sha256=digest)

    with pytest.raises(ModelChecksumError, match=f"expected sha256 {digest}"):
        apply(settings, document(version=8))

    assert {path: path.read_bytes() for path in applied.descriptors(layout)} == before


def test_passwords_are_kept_to_their_owner(settings: Settings) -> None:
    """The settings among the copies may hold some."""
    apply(settings, document())

    assert applied.settings_path(Layout.of(settings)).stat().st_mode & 0o077 == 0
