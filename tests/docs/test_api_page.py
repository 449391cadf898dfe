"""The page of the functions names all that `import zoo` gives."""

from __future__ import annotations

import re
from pathlib import Path

import zoo

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CONSTANTS = {"DISCLAIMER", "SILENT", "TEST", "TRAIN", "VALIDATION", "__version__", "hookimpl"}
ALIASES = {"Explanation"}


def test_every_public_name_is_on_the_page() -> None:
    named = re.findall(r"^::: zoo\.(\w+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == set(zoo.__all__) - CONSTANTS - ALIASES
