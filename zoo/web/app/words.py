"""What the program says, for somebody at a page: of boxes that are there, never of a terminal."""

from __future__ import annotations

import re

BOXES = {
    "a smaller --input": "a smaller 'Input size'",
    "another --input": "another 'Input size'",
    "--input": "'Input size'",
    "--epochs": "'Epochs at most'",
    "--preset": "'Preset'",
    "--seed": "'Seed'",
    "'zoo check'": "The page Data",
    " (--prevalence)": "",
    ", or train without them: --skip-broken": "",
    "go on all the same: --allow-findings": "tick 'Train even when the data have faults'",
}
"""Options and commands, and what pages have in their place; the longer ones first."""
SENTENCE = re.compile(r".*?[.!?](?=\s|$)\s*|.+$", re.DOTALL)
QUOTED = re.compile(r"'[^']*'")
"""What somebody typed may look like an option."""
ELSEWHERE = re.compile(r"(?<![\w-])--[a-z]|\bzoo [a-z]+|\bpip install\b|ZOO_[A-Z]+|^See /docs\.")
"""What only a terminal can do, and where programs read on."""


def for_a_page(text: str) -> str:
    """Name the boxes of forms in place of options; leave out what is for terminals and programs.

    Where nothing else is said, it stays.
    """
    for option, box in BOXES.items():
        text = re.sub(rf"{re.escape(option)}(?![\w-])", box, text)
    kept = [
        sentence
        for sentence in SENTENCE.findall(text)
        if not ELSEWHERE.search(QUOTED.sub("", sentence))
    ]
    return "".join(kept).strip() or text
