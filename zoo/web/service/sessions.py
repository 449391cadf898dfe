"""Who is signed in: a random token in a cookie, of which the server keeps a digest alone.

Sessions are in memory. So signing out ends one for good, and a restart ends all, as with a signed
cookie whose key is new at each start.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from zoo.web.service.users import User

COOKIE = "zoo_session"
IDLE = 60 * 60.0
"""Seconds without a request after which a session ends."""
LONGEST = 12 * 60 * 60.0
"""Seconds after which it ends in any case."""
MOST, MOST_EACH = 2000, 20
"""Sessions in all and of one user; the one that was used least recently makes room."""


@dataclass
class _Session:
    user: User
    began: float
    seen: float


class Sessions:
    """Those who are signed in, the one seen last at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, user: User) -> str:
        """Sign a user in, and return the token, which nobody can guess."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._sweep(now)
            own = [key for key, one in self._sessions.items() if one.user.name == user.name]
            for key in own[: max(0, len(own) - MOST_EACH + 1)]:
                del self._sessions[key]
            while len(self._sessions) >= MOST:
                self._sessions.popitem(last=False)
            self._sessions[_digest(token)] = _Session(user, now, now)
        return token

    def user(self, token: str, find: Callable[[str], User | None]) -> User | None:
        """Return who is signed in with a token; None when it has ended.

        `find` looks a user up as they are now: with another password, or without a right that they
        had, a session has ended too.
        """
        key, now = _digest(token), self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None or self._over(session, now):
                self._sessions.pop(key, None)
                return None
        if find(session.user.name) != session.user:
            self.end(token)
            return None
        with self._lock:
            if key in self._sessions:
                session.seen = now
                self._sessions.move_to_end(key)
        return session.user

    def end(self, token: str) -> User | None:
        """Sign out, and return who it was."""
        with self._lock:
            session = self._sessions.pop(_digest(token), None)
        return None if session is None else session.user

    def names(self) -> set[str]:
        """Return the names of those who are signed in."""
        with self._lock:
            self._sweep(self._clock())
            return {one.user.name for one in self._sessions.values()}

    def _sweep(self, now: float) -> None:
        for key in [key for key, one in self._sessions.items() if self._over(one, now)]:
            del self._sessions[key]

    @staticmethod
    def _over(session: _Session, now: float) -> bool:
        return now - session.seen > IDLE or now - session.began > LONGEST


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
