"""Links between the pages of the documentation lead somewhere, headings included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = {"demo", "runs", "build", "dist", "mutants"}
PAGES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.md")
    if not any(part in SKIPPED or part == ".venv" for part in path.relative_to(ROOT).parts)
)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.M | re.S)
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.M)
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)>\s]+)>?(?: \"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"^[a-z][a-z+.-]*:", re.I)


def without_blocks(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """Make the anchors of a page's headings as web views of repositories do."""
    found: dict[str, int] = {}
    names = set()
    for heading in HEADING.findall(without_blocks(text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{count}" if count else name)
    return names


def broken(page: Path) -> list[str]:
    found = []
    text = page.read_text("utf-8")
    for target in LINK.findall(CODE.sub("", text)):
        if ELSEWHERE.match(target):
            continue
        file, _, anchor = target.partition("#")
        place = page.parent / file if file else page
        if not place.exists():
            found.append(f"{target}: there is no such file")
        elif anchor and anchor not in anchors(place.read_text("utf-8")):
            found.append(f"{target}: there is no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken(ROOT / page) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`\n\n[a](#one-two) [b](#three) [c](page.md#one-two) [d](no.md) ![e](no.png)\n"
        "[f](https://example.org/no) `[g](no.md)`\n\n```sh\n# [h](no.md)\n```\n"
    )
    assert [told.split(":")[0] for told in broken(page)] == ["#three", "no.md", "no.png"]
