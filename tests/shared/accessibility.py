"""What axe-core finds wrong on a page for people who see, hear or point otherwise."""

from __future__ import annotations

from typing import Any

TARGETS = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
"""All rules that are on by default, best practices too, and targets of 24 pixels."""


def violations(page: Any) -> list[str]:
    """Return each rule that an element of a page of playwright breaks, with that element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=TARGETS).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
