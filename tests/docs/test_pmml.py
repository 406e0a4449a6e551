"""docs/pmml.md: what it says is covered has a file, and every file is told of."""

import re
from fnmatch import fnmatch

from tests.docs.pages import ROOT, page

FOLDER = ROOT / "tests" / "data" / "pmml" / "breadth"
SAMPLES = {"iris-forest", "iris-logistic", "iris-kmeans"}
FILES = sorted(path.stem for path in FOLDER.glob("*.pmml"))


def test_files_and_tables_tell_the_same() -> None:
    """Each file is named in a table, by itself or by a pattern, and each name has a file."""
    tables = page("docs/pmml.md").table("Kind") | page("docs/pmml.md").table("What")
    named = {name for row in tables.values() for cell in row for name in re.findall(r"`([a-z0-9*-]+)`", cell)}
    patterns = {name for name in named if "-" in name or name in FILES} - {
        "iris-forest",
        "iris-logistic",
        "iris-kmeans",
    }

    assert [name for name in FILES if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    assert [pattern for pattern in sorted(patterns) if not any(fnmatch(name, pattern) for name in FILES)] == []


def test_every_file_has_answers() -> None:
    """And the other way round; all together are small."""
    assert sorted(path.stem for path in FOLDER.glob("*.jsonl")) == FILES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_000_000
