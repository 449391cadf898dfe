"""Images that come into a folder: given once, when they are whole, and again when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import BadInput
from zoo.data.arrivals import PATIENCE, SETTLED, ArrivingImages


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, content: bytes, time: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(time, time))


def names(images: ArrivingImages) -> list[str]:
    return [one.name for one in images.look()]


def test_a_file_is_given_when_it_has_not_changed_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    images = ArrivingImages(tmp_path, clock=clock)
    write(tmp_path / "study" / "a.png", b"half")
    assert names(images) == []
    clock.now += SETTLED / 2
    write(tmp_path / "study" / "a.png", b"half and", 2)
    assert names(images) == []
    clock.now += SETTLED
    write(tmp_path / "study" / "a.png", b"half and half", 2)  # longer, at the same time
    assert names(images) == []
    assert images.waiting == 1
    clock.now += SETTLED
    (arrival,) = images.look()
    assert (arrival.name, arrival.stamp, arrival.final) == ("study/a.png", (13, 2), False)
    images.finish(arrival)
    clock.now += 2 * PATIENCE
    assert names(images) == []
    assert images.waiting == 0


def test_one_that_is_not_finished_is_tried_once_more_at_last(tmp_path: Path) -> None:
    clock = Clock()
    images = ArrivingImages(tmp_path, clock=clock)
    write(tmp_path / "a.png", b"half")
    given = []
    for _ in range(int(3 * PATIENCE)):
        for one in images.look():
            given.append((clock.now, one.final))
            if one.final:
                images.finish(one)
        clock.now += 1
    assert given == [(SETTLED, False), (PATIENCE, True)]


def test_one_that_changed_is_given_again_and_one_that_is_gone_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    write(tmp_path / "a.png", b"one", 5)
    images = ArrivingImages(tmp_path, {"a.png": (3, 5), "gone.png": (1, 1)}, clock)
    for _ in range(3):
        assert names(images) == []
        clock.now += SETTLED
    write(tmp_path / "a.png", b"two", 6)
    write(tmp_path / "gone.png", b"1", 1)
    assert names(images) == []
    clock.now += SETTLED
    assert names(images) == ["gone.png", "a.png"]  # the oldest change first


def test_what_is_no_image_or_still_has_another_name_is_left(tmp_path: Path) -> None:
    clock = Clock()
    images = ArrivingImages(tmp_path, clock=clock)
    for name in ("a.png.part", "a.tmp", ".hidden.png", "notes.txt", "DICOMDIR"):
        write(tmp_path / name, b"no picture")
    images.look()
    clock.now += PATIENCE
    assert names(images) == []
    with pytest.raises((BadInput, OSError)):
        ArrivingImages(tmp_path / "none").look()


@given(st.lists(st.sampled_from(["write", "look", "wait"]), max_size=30))
def test_no_state_is_given_twice_or_while_it_is_young(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    folder, clock, time = tmp_path_factory.mktemp("any"), Clock(), 0
    images, given, changed = ArrivingImages(folder, clock=clock), [], 0.0
    for event in events:
        if event == "write":
            time += 1
            changed = clock.now
            write(folder / "a.png", b"x" * time, time)
        elif event == "wait":
            clock.now += SETTLED
        else:
            for one in images.look():
                assert one.stamp == (time, time)
                assert clock.now - changed >= SETTLED
                given.append(one.stamp)
                images.finish(one)
    assert len(given) == len(set(given))
