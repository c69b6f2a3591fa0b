"""The documents point at what exists, and the glossary is in order."""

import re
from pathlib import Path

import pytest
from tests.unit.project.machine import REPOSITORY

_AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "GLOSSARY.md")
_DOCUMENTS = [
    *map(REPOSITORY.joinpath, _AT_THE_TOP),
    *sorted(REPOSITORY.glob("docs/**/*.md")),
    *sorted(REPOSITORY.glob("charts/*/README.md")),
]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_TERM = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE)
_DECIDED = "docs/decisions"  # a decision may name what was removed since, or is to come

every_document = pytest.mark.parametrize(
    "document", _DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY))
)


def _anchors(document: Path) -> set[str]:
    """Return the names by which a document's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@every_document
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    # What is in code, such as `[a](b)?`, is no link.
    for target in _LINK.findall(_CODE.sub("", _FENCED.sub("", document.read_text()))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), target


@pytest.mark.parametrize(
    "document",
    [path for path in _DOCUMENTS if not path.is_relative_to(REPOSITORY / _DECIDED)],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_paths_in_the_text_exist(document: Path) -> None:
    folders = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
    for code in _CODE.findall(_FENCED.sub("", document.read_text())):
        if code.partition("/")[0] in folders and "/" in code and not set(code) & set("<* "):
            assert (REPOSITORY / code).exists(), code


def test_the_glossary_is_sorted_and_explains_each_term_once() -> None:
    terms = [term.lower() for term in _TERM.findall((REPOSITORY / "GLOSSARY.md").read_text())]

    assert len(terms) > 20
    assert terms == sorted(set(terms))
