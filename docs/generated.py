"""Pages that a script makes: what they are written with, and whether one that is there is stale."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown; bars in cells are escaped."""
    rule = "|---" * len(columns) + "|\n"
    head, *lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n"
        for line in (columns, *rows)
    ]
    return head + rule + "".join(lines)


def words(names: Iterable[str]) -> str:
    """Return names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def link(page: str) -> str:
    """Return a link that is called as the page it leads to."""
    return f"[{page.removeprefix('../')}]({page})"


def run(arguments: list[str], page: Path, content: Callable[[], str], script: str) -> int:
    """Write the page, or with `--check` compare it; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("Expected no argument, or --check.\n")
        return 2
    current = content()
    if not arguments:
        page.write_text(current, encoding="utf-8")
        return 0
    if not page.is_file() or page.read_text(encoding="utf-8") != current:
        sys.stderr.write(
            f"docs/{page.name} does not say what the program says now. "
            f"Write it again: python docs/{script}\n"
        )
        return 1
    return 0
