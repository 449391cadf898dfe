"""Wrong passwords: each makes its sender wait twice as long for the next, and nobody else."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from zoo.web.service.addresses import client_of

FREE = 3
"""Wrong passwords that cost nothing: people mistype."""
LONGEST = 60.0
"""Seconds to wait, at most."""
QUIET = 15 * 60.0
"""Seconds without a wrong password after which they are forgotten."""
MOST = 10_000
"""Clients that are remembered; the one that was wrong the longest ago makes room."""


@dataclass
class _Wrong:
    count: int
    last: float
    user: str
    several: bool = False

    @property
    def until(self) -> float:
        late = self.count - FREE
        return self.last + (min(LONGEST, 2.0 ** min(late, 30)) if late >= 0 else 0.0)


class Attempts:
    """How often clients gave a wrong password, by address.

    While a client waits, nothing it sends is compared with the password, the right one neither:
    else waiting would cost nothing to whoever guesses.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()

    def wait(self, host: str) -> int:
        """Return the whole seconds after which a password of this client is looked at; 0: now."""
        known = self._wrong.get(client_of(host))
        return 0 if known is None else max(0, math.ceil(known.until - self._clock()))

    def wrong(self, host: str, user: str = "") -> int:
        """Note a wrong password for a user, and return how many there were."""
        client, now = client_of(host), self._clock()
        known = self._wrong.pop(client, None)
        if known is None or now - known.last > QUIET:
            known = _Wrong(0, now, user)
        known.count, known.last = known.count + 1, now
        known.several = known.several or known.user != user
        self._wrong[client] = known
        if len(self._wrong) > MOST:
            self._wrong.popitem(last=False)
        return known.count

    def right(self, host: str, user: str = "") -> None:
        """Forget what was wrong, if it was for this user alone.

        Else somebody who has a password of their own could guess those of others at no cost.
        """
        known = self._wrong.get(client_of(host))
        if known is not None and known.user == user and not known.several:
            del self._wrong[client_of(host)]
