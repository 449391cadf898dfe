from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from zoo.base.progress import SILENT
from zoo.base.registry import load_registry
from zoo.data.changes import changed
from zoo.data.verify import Verified, verify


@pytest.fixture
def verified(class_folders: Path) -> Verified:
    return verify(load_registry().dataset(str(class_folders)), skip_broken=False, progress=SILENT)


def names(verified: Verified) -> list[str]:
    return changed(verified.dataset, verified.digests, verified.stamps)


def test_what_was_not_touched_is_not_read_again(
    verified: Verified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.data.changes._digest", None)
    assert len(verified.stamps) == 20
    assert names(verified) == []


def test_changed_and_removed_files_are_named_and_touched_ones_are_not(
    verified: Verified, class_folders: Path
) -> None:
    other, gone, touched = ("NORMAL/normal3.png", "NORMAL/normal4.png", "NORMAL/normal5.png")
    shutil.copy(class_folders / "PNEUMONIA" / "pneumonia1.png", class_folders / other)
    (class_folders / gone).unlink()
    os.utime(class_folders / touched, (1, 1))
    assert names(verified) == [other, gone]


def test_generated_images_have_no_files() -> None:
    dataset = load_registry().dataset("phantom?images=20&size=64")
    found = verify(dataset, skip_broken=False, progress=SILENT)
    assert found.stamps == {}
    assert names(found) == []
