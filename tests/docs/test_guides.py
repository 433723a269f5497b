"""The guides work as written, and every link between the documents leads somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = sorted(path.name for path in (DOCS / "guides").glob("*.md"))
OURS = sorted(path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] != "decisions")
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_works_as_written(follow, docs, name):
    follow(docs / "guides" / name)


def test_every_guide_is_listed(docs):
    listed = re.findall(r"\(guides/([\w-]+\.md)\)", (docs / "README.md").read_text())
    assert sorted(listed) == GUIDES


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        aim = (path.parent / target).resolve() if target else path
        assert aim.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor[1:] in _anchors(aim), f"{path.name}: {target}{anchor}"


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(DOCS)))
def test_documents_name_no_place_of_one_machine(path):
    assert not re.findall(r"/(?:work|tmp|root)/\S*", path.read_text(encoding="utf-8"))


def _anchors(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
