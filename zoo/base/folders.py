"""Write folders so that a half-written one is never seen under its name."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.base import leftovers
from zoo.base.files import sync_folder, writing
from zoo.base.locks import in_turn


@contextlib.contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """Make a folder for what the block writes; what was made goes when it fails with nothing there.

    Raises:
        NotWritten: it cannot be made.
    """
    with writing(path):
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:  # the innermost first
            with contextlib.suppress(OSError):  # not empty, or never made
                folder.rmdir()
        raise


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; it takes the name if the block ends without error.

    Raises:
        NotWritten: it cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        leftovers.sweep_once(path.parent)
        beside = path.parent / leftovers.new_name()
        new, old = beside / "new", beside / leftovers.OLD / path.name
        new.mkdir(parents=True)
        old.parent.mkdir()
        try:
            yield new
            with in_turn(path.parent):
                try:
                    if path.exists():
                        path.replace(old)
                    new.replace(path)
                    sync_folder(path.parent)
                finally:
                    leftovers.bring_back(beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
