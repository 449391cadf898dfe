"""Rules for patients that somebody sent: tried in a process of their own before they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from zoo.base.errors import InvalidSetting
from zoo.base.path_rules import is_path_rule
from zoo.base.patients import AUTO, RULES

RULE_LENGTH = 200
RULE_SECONDS, RULE_PATIENCE = 1, 60.0
"""Of a processor, and by the clock: what an expression may take to look through a few names."""
_TRIES = """
import json, re, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]),) * 2)
except ImportError:
    pass
rule, names = json.load(sys.stdin)
for name in names:
    re.search(rule, name)
"""


def check_rule(rule: str, names: Sequence[str]) -> None:
    """Refuse what is no rule for patients, or an expression that would look for ages.

    Raises:
        InvalidSetting: says what is expected.
    """
    if rule in RULES or rule == AUTO or rule.startswith("folder:"):
        return
    if len(rule) > RULE_LENGTH or not is_path_rule(rule):
        raise InvalidSetting(
            f"'{rule[:RULE_LENGTH]}' is no rule. Expected {', '.join((AUTO, *RULES))}, folder:2, "
            "or a regular expression with a group in brackets around what names the patient."
        )
    try:
        tried = subprocess.run(  # noqa: S603 (this Python, and a text that is data)
            [sys.executable, "-c", _TRIES, str(RULE_SECONDS)],
            input=json.dumps([rule, [*names, "a" * 40 + "!", "1" * 40 + "!"]]),
            timeout=RULE_PATIENCE,
            text=True,
            capture_output=True,
            check=False,
        )
        ended = tried.returncode < 0  # by the system, for the time it took
    except subprocess.TimeoutExpired:
        ended = True
    if ended:
        raise InvalidSetting(
            "This expression takes too long to look for. Write a simpler one, without a repeat "
            "inside a repeat."
        )
