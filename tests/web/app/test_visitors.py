"""Who is looking: shelves of their own, limits, and forgetting."""

from __future__ import annotations

import pytest

from zoo import UnknownName
from zoo.web.app import visitors
from zoo.web.app.visitors import ANSWER_BYTES, MOST_IMAGES, SECONDS, Visitors
from zoo.web.service.limits import TooLarge
from zoo.web.service.uploads import Upload


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def upload(size: int = 10, name: str = "x.png") -> Upload:
    return Upload(name, bytes(size), "0" * 16)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(clock: Clock) -> Visitors:
    return Visitors(clock)


def test_a_visitor_is_known_by_a_key_that_cannot_be_chosen(shelf: Visitors) -> None:
    first = shelf.meet(None)
    assert shelf.meet(first.key) is first
    stranger = shelf.meet("chosen by the browser")
    assert stranger is not first
    assert stranger.key != "chosen by the browser"
    assert len(stranger.key) > 40


def test_nobody_sees_the_images_of_another(shelf: Visitors) -> None:
    one, other = shelf.meet(None), shelf.meet(None)
    key = shelf.bring(one, upload())
    assert one.upload(key).name == "x.png"
    with pytest.raises(UnknownName, match="not here any more"):
        other.upload(key)


def test_who_is_away_is_forgotten_with_all_images(shelf: Visitors, clock: Clock) -> None:
    gone = shelf.meet(None)
    key = shelf.bring(gone, upload())
    clock.now = SECONDS - 1
    shelf.meet(gone.key)
    clock.now += SECONDS + 1
    shelf.sweep()
    assert len(shelf) == 0
    assert not gone.uploads
    with pytest.raises(UnknownName):
        gone.upload(key)


def test_the_oldest_image_makes_room(shelf: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = shelf.meet(None)
    keys = [shelf.bring(visitor, upload()) for _ in range(MOST_IMAGES + 2)]
    assert list(visitor.uploads) == keys[2:]
    assert visitor.results.keys() == visitor.uploads.keys()
    monkeypatch.setattr(visitors, "MOST_BYTES", 100 + ANSWER_BYTES)
    last = shelf.bring(visitor, upload(95))
    assert list(visitor.uploads) == [last]


def test_all_together_have_a_limit(shelf: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MOST_BYTES_OF_ALL", 100 + ANSWER_BYTES)
    shelf.bring(shelf.meet(None), upload(90))
    with pytest.raises(TooLarge, match="Forget my images"):
        shelf.bring(shelf.meet(None), upload(20))


def test_who_brought_nothing_makes_room_first(
    shelf: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "MOST_VISITORS", 2)
    busy = shelf.meet(None)
    key = shelf.bring(busy, upload())
    for _ in range(5):
        shelf.meet(None)
    assert len(shelf) == 2
    assert shelf.meet(busy.key).upload(key)


def test_forgetting_one_or_all(shelf: Visitors) -> None:
    visitor = shelf.meet(None)
    first, second = shelf.bring(visitor, upload()), shelf.bring(visitor, upload())
    visitor.forget(first)
    assert list(visitor.uploads) == [second]
    visitor.forget()
    assert not visitor.uploads
    assert not visitor.results
