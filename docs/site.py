"""What `make site` changes on the way from the repository to pages for a browser.

The README and the other texts at the root become pages, the first of them the front page; links
that point into the repository, to code, become plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    **{
        name: name
        for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
    },
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"^[a-z][a-z+.-]*:", re.I)
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"?https?://[^>]*>")
NUMBERED, NUMBER = re.compile(r"-(\d)$"), r"_\1"


def on_files(files: Any, config: Any) -> Any:
    """Add the texts at the root."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        text = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to pages of the site."""
    name = page.file.src_uri
    at_root = name in PAGES.values()
    return LINK.sub(lambda found: _link(found, at_root), markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would load anything from elsewhere."""
    from mkdocs.exceptions import PluginError

    if found := LOADED.search(output):
        raise PluginError(f"'{page.file.src_uri}' would load from elsewhere: {found[0]}")
    return output


def _link(found: re.Match[str], at_root: bool) -> str:
    picture, text, target = found.groups()
    if target.startswith("#"):  # headings of one name are numbered in another way here
        return f"[{text}]({NUMBERED.sub(NUMBER, target)})"
    if ELSEWHERE.match(target):
        return found[0]
    file, mark, anchor = target.partition("#")
    if at_root and file.startswith("docs/"):
        return f"{picture}[{text}]({file.removeprefix('docs/')}{mark}{anchor})"
    outside = file if at_root else file.removeprefix("../") if file.startswith("../") else None
    if outside is None:
        return text if (ROOT / "docs" / file).is_dir() else found[0]
    if outside in PAGES:
        return f"[{text}]({PAGES[outside]}{mark}{anchor})"
    return text
