"""People with a password each: a file that is read again when it changes, and who they are.

A line of the file is `NAME:HASH`, or `NAME:HASH:train` for somebody who may train. The hash is
Argon2id as RFC 9106 asks for where memory is short: 64 MiB and three passes, about a tenth of a
second (Biryukov, Dinu, Khovratovich, Josefsson, "Argon2 Memory-Hard Function for Password Hashing
and Proof-of-Work Applications", 2021).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.base.errors import BadInput, InvalidSetting, UnknownName
from zoo.base.files import replacing
from zoo.base.locks import in_turn
from zoo.web.service.limits import Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

logger = logging.getLogger(__name__)

TRAIN = "train"
SHORTEST, LONGEST = 8, 256
"""Characters of a password: the first as NIST SP 800-63B asks for."""
MOST = 1000
"""Users of one file, and right passwords that are remembered."""
_NAME = re.compile(r"[^\W_][\w.@-]{0,63}")


@dataclass(frozen=True)
class User:
    """Somebody who may ask. `hash` is that of the password; an empty name is anybody's."""

    name: str
    hash: str
    may_train: bool = False


ANYBODY = User("", "", may_train=True)
"""Whoever knows the one password, or asks where none is needed."""


class Users:
    """The users of a file, who are looked up again whenever the file has changed.

    Raises:
        BadInput: the file cannot be read, or has no user.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock, self._verifying = threading.Lock(), threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._users: dict[str, User] = {}
        self._hasher = _hasher()
        # Somebody unknown takes as long to be refused as somebody with a wrong password.
        self._nobody = User("", self._hasher.hash(secrets.token_hex(16)))
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._stamp, self._users = _stamp(path), read(path)
        if not self._users:
            raise BadInput(f"'{path}' has no user. Add one: zoo users add {path} NAME")

    def find(self, name: str) -> User | None:
        """Return a user of the file as it is now.

        Raises:
            Unavailable: the file cannot be read any more; nobody is let in then.
        """
        with self._lock:
            try:
                stamp = _stamp(self.path)
                if stamp != self._stamp:
                    self._users, self._stamp = read(self.path), stamp
            except BadInput as error:
                if self._stamp is not None:
                    logger.error("Nobody is let in: %s", error)  # noqa: TRY400 (a sentence)
                self._users, self._stamp = {}, None
                raise Unavailable(
                    "Nobody can be let in at the moment. Tell the operator to see the log."
                ) from error
            return self._users.get(_composed(name))

    def identify(self, name: str, password: str) -> User | None:
        """Return the user if the password is right; it takes a tenth of a second either way.

        One password is looked at at a time, so that guessing fills no memory.

        Raises:
            Unavailable: the file cannot be read.
        """
        from argon2.exceptions import Argon2Error, InvalidHashError

        known = self.find(name)
        with self._verifying:
            try:
                self._hasher.verify((known or self._nobody).hash, _composed(password[:LONGEST]))
            except (Argon2Error, InvalidHashError):
                return None
        if known is not None:
            with self._lock:
                self._right[self._proof(known, password)] = None
                if len(self._right) > MOST:
                    self._right.popitem(last=False)
        return known

    def remembered(self, name: str, password: str) -> User | None:
        """Return the user if this very password was right before, at once.

        A client of the HTTP API sends it with each request.
        """
        known = self.find(name)
        if known is None:
            return None
        with self._lock:
            return known if self._proof(known, password) in self._right else None

    def _proof(self, user: User, password: str) -> bytes:
        """Return what tells a password that was right from others, of no use elsewhere."""
        text = "\0".join((user.name, user.hash, password)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)


def read(path: Path) -> dict[str, User]:
    """Read the users of a file by name.

    Raises:
        BadInput: it cannot be read, or a line is no user.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The file of users '{path}' cannot be read. Make it with: zoo users add {path} NAME"
        ) from error
    users: dict[str, User] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        hashed, _, rights = rest.partition(":")
        if not (_NAME.fullmatch(name) and hashed.startswith("$argon2id$")) or name in users:
            raise BadInput(_bad(path, number))
        if rights not in ("", TRAIN):
            raise BadInput(_bad(path, number))
        users[name] = User(name, hashed, rights == TRAIN)
    return users


def add(path: Path, name: str, password: str, *, may_train: bool = False) -> bool:
    """Add a user, or give one another password and rights; tell whether it is a new one.

    Raises:
        InvalidSetting: the name or the password cannot be used.
        BadInput: the file is none of users, or has as many as it may.
        NotWritten: it cannot be written.
    """
    name, password = _composed(name), _composed(password)
    if not _NAME.fullmatch(name):
        raise InvalidSetting(
            f"'{name}' cannot be a user's name. Expected up to 64 letters, digits, '.', '_', "
            "'-' or '@', with a letter or digit first."
        )
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidSetting(
            f"The password has {len(password)} characters; expected {SHORTEST} to {LONGEST}. "
            "Several words are easier to remember than signs."
        )
    user = User(name, _hasher().hash(password), may_train)
    with in_turn(path.absolute().parent):
        users = read(path) if path.exists() else {}
        is_new = name not in users
        if is_new and len(users) >= MOST:
            raise BadInput(f"'{path}' has {MOST} users, the most there may be. Remove one first.")
        _write(path, {**users, name: user})
    return is_new


def remove(path: Path, name: str) -> None:
    """Take a user out; whoever is signed in by that name is signed out at the next request.

    Raises:
        UnknownName: there is no such user.
        BadInput: the file cannot be read.
        NotWritten: it cannot be written.
    """
    with in_turn(path.absolute().parent):
        users = read(path)
        if users.pop(_composed(name), None) is None:
            raise UnknownName.among("user", name, users)
        _write(path, users)


def _write(path: Path, users: Mapping[str, User]) -> None:
    lines = (
        ":".join((user.name, user.hash, *((TRAIN,) if user.may_train else ())))
        for user in users.values()
    )
    with replacing(path) as temporary:
        temporary.chmod(0o600)
        temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _bad(path: Path, number: int) -> str:
    return (
        f"Line {number} of '{path}' is no user, or one that is there already. Expected NAME:HASH "
        f"or NAME:HASH:{TRAIN}, as 'zoo users add {path} NAME' writes it."
    )


def _composed(text: str) -> str:
    """Return text in the form in which the same letters are the same bytes, however typed."""
    return unicodedata.normalize("NFC", text)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 (its error has no other form)
    except OSError as error:
        raise BadInput(
            f"The file of users '{path}' cannot be read: {error.strerror}. Check it, or make it "
            f"with: zoo users add {path} NAME"
        ) from error
    return found.st_mtime_ns, found.st_size, found.st_ino


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher
    from argon2.profiles import RFC_9106_LOW_MEMORY

    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
