from __future__ import annotations

from pathlib import Path

from holding import held_elsewhere

from zoo.base import locks


def test_another_process_is_kept_out_until_the_holder_is_killed(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path), locks.holding(tmp_path, wait=False) as held:
        assert not held
    with locks.holding(tmp_path, wait=True) as held:
        assert held
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_locked_is_not_in_the_way(tmp_path: Path) -> None:
    with locks.holding(tmp_path / "nowhere", wait=False) as held:
        assert held


def test_who_looks_sees_the_holder_and_is_in_nobodys_way(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path)
    assert not locks.is_held(tmp_path / "nowhere")
    with locks.holding(tmp_path, wait=False) as held:
        assert held
        assert locks.is_held(tmp_path)
    assert not locks.is_held(tmp_path)
