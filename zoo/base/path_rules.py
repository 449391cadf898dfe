"""Rules that take something out of an image's path: a folder of it, or what an expression finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from zoo.base.errors import InvalidSetting

PathRule = Callable[[str], str | None]

_FOLDER = re.compile(r"folder:(-?[1-9]\d?)", re.ASCII)


def is_path_rule(text: str) -> bool:
    """Tell whether a text is meant as a rule: it begins with `folder:`, or has a group."""
    return text.startswith("folder:") or "(" in text


def path_rule(text: str) -> PathRule:
    r"""Read a rule for names such as `train/patient7/study1/view2.png`.

    `folder:2` is the second folder from the left, `folder:-2` the second from the file. Anything
    else is a regular expression that is looked for anywhere in the path; what its groups hold is
    taken, joined by `-`: `(patient\d+)/`. The rule gives None where a path has no such part.

    Raises:
        InvalidSetting: it is neither.
    """
    if known := _FOLDER.fullmatch(text):
        place = int(known[1])

        def folder(name: str) -> str | None:
            folders = PurePosixPath(name.replace("\\", "/")).parts[:-1]
            inside = place <= len(folders) if place > 0 else -place <= len(folders)
            return folders[place - 1 if place > 0 else place] if inside else None

        return folder
    try:
        expression = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidSetting(
            f"'{text}' is no rule for paths ({error}). Expected 'folder:2' (the second folder), "
            "'folder:-1' (that of the file) or a regular expression with a group."
        ) from error
    if text.startswith("folder:") or not expression.groups:
        raise InvalidSetting(
            f"'{text}' is no rule for paths. Expected 'folder:2' (the second folder), "
            "'folder:-1' (that of the file) or a regular expression with a group in brackets."
        )

    def found(name: str) -> str | None:
        match = expression.search(name.replace("\\", "/"))
        return None if match is None else "-".join(filter(None, match.groups())) or None

    return found
