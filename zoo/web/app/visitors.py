"""Who is looking and what they brought: in memory, for as long as they stay, and for them alone."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zoo.base.errors import UnknownName
from zoo.web.service.limits import MEGABYTE, TooLarge
from zoo.web.service.uploads import Upload

COOKIE = "zoo_visitor"
SECONDS = 30 * 60
"""Without a request after which a visitor is forgotten."""
SWEEP = 60
"""Seconds between two looks at who has left, while images are held."""
MOST_VISITORS = 200
MOST_IMAGES = 500
MOST_BYTES = 512 * MEGABYTE
"""Of one visitor's images; the oldest make room."""
MOST_BYTES_OF_ALL = 1024 * MEGABYTE
ANSWER_BYTES = MEGABYTE // 2
"""Counted for what is made of an image besides its file: its pixels, and a map or two."""


@dataclass(eq=False)
class Visitor:
    """One browser: its uploads by an unguessable id, oldest first, and what was made of them."""

    key: str
    seen: float
    uploads: OrderedDict[str, Upload] = field(default_factory=OrderedDict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the id of an upload: whatever the pages keep of it."""

    @property
    def bytes(self) -> int:
        """Return about how much memory the uploads take, and what was made of them."""
        return sum(len(upload.content) + ANSWER_BYTES for upload in self.uploads.values())

    @property
    def is_full(self) -> bool:
        """Tell whether another image needs the place of the oldest."""
        return len(self.uploads) >= MOST_IMAGES

    def upload(self, key: str) -> Upload:
        """Return an upload of this visitor.

        Raises:
            UnknownName: it was forgotten, or was never this visitor's.
        """
        try:
            return self.uploads[key]
        except KeyError as error:
            raise UnknownName(
                "This image is not here any more: images are forgotten after half an hour or when "
                "many came after it. Choose it again."
            ) from error

    def forget(self, key: str | None = None) -> None:
        """Forget one upload, or all."""
        for one in [key] if key is not None else list(self.uploads):
            self.uploads.pop(one, None)
            self.results.pop(one, None)


class Visitors:
    """All visitors of the application, those seen last at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()
        self._of_user: dict[str, str] = {}
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        return len(self._visitors)

    @property
    def bytes(self) -> int:
        """Return how much memory the uploads of all take."""
        with self._lock:
            return sum(visitor.bytes for visitor in self._visitors.values())

    def meet(self, key: str | None) -> Visitor:
        """Return the visitor with that cookie, or a new one; forget those who have left.

        Where there are too many, one who brought nothing makes room, or else who came first.
        """
        with self._lock:
            now = self._clock()
            self._leave(now)
            visitor = self._visitors.get(key or "")
            if visitor is None:
                if len(self._visitors) >= MOST_VISITORS:
                    known = self._visitors.items()
                    idle = (visitor_key for visitor_key, other in known if not other.uploads)
                    self._visitors.pop(next(idle, next(iter(self._visitors)))).forget()
                visitor = Visitor(secrets.token_urlsafe(32), now)
                self._visitors[visitor.key] = visitor
            visitor.seen = now
            self._visitors.move_to_end(visitor.key)
            return visitor

    def named(self, user: str) -> Visitor:
        """Return the visitor who is a user, and no browser by its cookie alone."""
        with self._lock:
            visitor = self.meet(self._of_user.get(user))
            self._of_user[user] = visitor.key
            return visitor

    def bring(self, visitor: Visitor, upload: Upload) -> str:
        """Keep an upload for a visitor and return its id; the visitor's oldest make room.

        Raises:
            TooLarge: all visitors together hold too much.
        """
        with self._lock:
            while visitor.uploads and (
                visitor.is_full or visitor.bytes + len(upload.content) > MOST_BYTES
            ):
                visitor.forget(next(iter(visitor.uploads)))
            if self.bytes + len(upload.content) > MOST_BYTES_OF_ALL:
                raise TooLarge(
                    "Too many images are held at the moment. Try again in a few minutes, or press "
                    "'Forget my images' where it is not needed any more."
                )
            key = secrets.token_urlsafe(16)
            visitor.results[key] = {}
            visitor.uploads[key] = upload
            self._look_again()
            return key

    def sweep(self) -> None:
        """Forget those who have left, though nobody comes; look again while images are held."""
        with self._lock:
            self._timer = None
            self._leave(self._clock())
            if any(visitor.uploads for visitor in self._visitors.values()):
                self._look_again()

    def _leave(self, now: float) -> None:
        for key in [k for k, visitor in self._visitors.items() if now - visitor.seen > SECONDS]:
            self._visitors.pop(key).forget()

    def _look_again(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(SWEEP, self.sweep)
            self._timer.daemon = True
            self._timer.start()
