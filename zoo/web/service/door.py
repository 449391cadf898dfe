"""Who is let in: by a password, which makes its sender wait when it is wrong, or signed in before.

Sign-ins, sign-outs and wrong passwords are told to the log and the journal; passwords never are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from zoo.base.errors import ZooError
from zoo.web.service.attempts import Attempts
from zoo.web.service.journal import Journal
from zoo.web.service.limits import Unavailable
from zoo.web.service.sessions import Sessions
from zoo.web.service.users import User

logger = logging.getLogger(__name__)

WRONG = "User and password are missing or wrong."
SIGNED_IN, SIGNED_OUT = "signed in", "signed out"


class Keys(Protocol):
    """What knows who may come in: one password, or a file of users."""

    def find(self, name: str) -> User | None:
        """Return a user as they are now."""

    def remembered(self, name: str, password: str) -> User | None:
        """Return the user if that can be told at once."""

    def identify(self, name: str, password: str) -> User | None:
        """Return the user if the password is right; it may take a while."""


class Refused(ZooError):
    """Somebody is not let in: the status, a sentence and the headers that they are told."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


class Door:
    """Lets in who knows a password. `form` is the address of a page to sign in at, if there is one.

    While a client waits, nothing it sends is compared with a password, and guesses that are sent
    at the same time are looked at one after the other: each counts before the next.
    """

    def __init__(self, keys: Keys, journal: Journal | None = None, form: str = "") -> None:
        self.keys, self.journal, self.form = keys, journal, form
        self.attempts, self.sessions = Attempts(), Sessions()
        self._turn = asyncio.Lock()

    async def by_password(self, name: str, password: str, client: str) -> User:
        """Return the user whose password was sent from an address.

        Raises:
            Refused: it is wrong, or the address has to wait.
        """
        self._check_wait(client)
        user = self.keys.remembered(name, password)
        if user is None:
            async with self._turn:
                self._check_wait(client)
                user = await run_in_threadpool(self.keys.identify, name, password)
                if user is None:
                    self._note_wrong(name, client)
                    raise Refused(401, WRONG)
        self.attempts.right(client, user.name)
        return user

    def by_session(self, token: str | None) -> User | None:
        """Return who is signed in with a token."""
        return self.sessions.user(token, self.keys.find) if token else None

    async def sign_in(self, name: str, password: str, client: str) -> tuple[User, str]:
        """Return the user whose password was sent, and a token for the cookie.

        Raises:
            Refused: the password is wrong, or the address has to wait.
            Unavailable: it cannot be noted in the journal.
        """
        user = await self.by_password(name, password, client)
        self._note(SIGNED_IN, user, client)
        return user, self.sessions.begin(user)

    def sign_out(self, token: str | None, client: str) -> None:
        """End a session, if it is one."""
        user = self.sessions.end(token) if token else None
        if user is not None:
            with contextlib.suppress(Unavailable):  # whoever wants to leave is not held
                self._note(SIGNED_OUT, user, client)

    def _check_wait(self, client: str) -> None:
        if wait := self.attempts.wait(client):
            sentence = f"There were too many wrong passwords. Try again in {wait} seconds."
            raise Refused(429, sentence, {"Retry-After": str(wait)})

    def _note(self, event: str, user: User, client: str) -> None:
        logger.info("%s: %s, from %s.", event, user.name, client)
        if self.journal is not None:
            self.journal.event(event, user=user.name, address=client)

    def _note_wrong(self, name: str, client: str) -> None:
        """Tell of a wrong password; of a name only when it is a user's: it may be a password."""
        known = self.keys.find(name)
        count = self.attempts.wrong(client, name if known is None else known.name)
        shown = f" for '{known.name}'" if known is not None and known.name else ""
        logger.warning("A wrong password%s came from %s, number %d in a row.", shown, client, count)
        if self.journal is not None:
            about = {"user": known.name} if shown and known is not None else {}
            with contextlib.suppress(Unavailable):  # it has told so itself
                self.journal.event("wrong password", **about, address=client, count=count)
