"""Who is signed in: for how long, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zoo.web.service import sessions
from zoo.web.service.sessions import IDLE, LONGEST, Sessions
from zoo.web.service.users import User

ANN, BOB = User("ann", "hash-a"), User("bob", "hash-b")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def anybody(name: str) -> User | None:
    return {"ann": ANN, "bob": BOB}.get(name)


def test_a_token_is_its_users_until_they_sign_out() -> None:
    known = Sessions()
    ann, bob = known.begin(ANN), known.begin(BOB)
    assert (known.user(ann, anybody), known.user(bob, anybody)) == (ANN, BOB)
    assert known.user(ann + "x", anybody) is None
    assert known.end(ann) == ANN
    assert known.end(ann) is None
    assert known.user(ann, anybody) is None
    assert known.names() == {"bob"}


def test_a_session_ends_when_nothing_is_asked_and_at_last_in_any_case() -> None:
    clock = Clock()
    known = Sessions(clock)
    token = known.begin(ANN)
    clock.now = IDLE + 1
    assert known.user(token, anybody) is None
    token, began = known.begin(ANN), clock.now
    while clock.now - began <= LONGEST:
        assert known.user(token, anybody) == ANN
        clock.now += IDLE
    assert known.user(token, anybody) is None
    assert known.names() == set()


@pytest.mark.parametrize("now", [None, replace(ANN, hash="new"), replace(ANN, may_train=True)])
def test_who_was_removed_or_changed_has_to_sign_in_again(now: User | None) -> None:
    known = Sessions()
    token = known.begin(ANN)
    assert known.user(token, lambda _: now) is None
    assert known.user(token, anybody) is None


def test_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 4)
    monkeypatch.setattr(sessions, "MOST_EACH", 3)
    known = Sessions()
    bob = known.begin(BOB)
    own = [known.begin(ANN) for _ in range(4)]
    assert [known.user(token, anybody) is not None for token in own] == [False, True, True, True]
    assert known.user(bob, anybody) == BOB
    known.begin(User("eve", ""))
    assert known.user(own[1], anybody) is None
