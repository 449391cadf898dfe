"""How much one request may bring and how many may wait, and how what is beyond is refused.

BadInput
├── TooLarge        more bytes, pixels or files than one request may bring
└── NotFinite       a method gives numbers for it that are not finite
ZooError
└── Unavailable     it cannot be answered now
    ├── Overloaded  too many are waiting already
    └── Expired     it took longer than a request may take, or was given up
"""

from __future__ import annotations

from dataclasses import dataclass

from zoo.base.errors import BadInput, ZooError
from zoo.base.pictures.images import MAX_PIXELS

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What a service accepts; beyond it a request is refused with a sentence."""

    file_bytes: int = 64 * MEGABYTE
    pixels: int = MAX_PIXELS
    files: int = 16
    """Files of one request."""
    request_bytes: int = 256 * MEGABYTE
    """The body of one request."""
    held_bytes: int = 1024 * MEGABYTE
    """The bodies of all requests that are read or answered at a time."""
    waiting: int = 32
    """Requests that wait in one queue, besides the one at work."""
    seconds: float = 120.0
    """From the arrival of a request's body to its answer; for its body to arrive; and for its
    answer to be read."""
    connections: int = 512
    """Open at a time."""
    connections_each: int = 32
    """Open at a time from one address."""
    head_seconds: float = 10.0
    """From an open connection, or an answer on it, to the end of the next request's headers."""
    loaded: int = 2
    """Runs that are kept ready; the one that was used least recently makes room."""
    retry: int = 5
    """Seconds after which a client who was refused for lack of room is told to come again."""


class TooLarge(BadInput):
    """More bytes, pixels or files than one request may bring."""


class NotFinite(BadInput):
    """A method gives numbers for an image that are not finite, which no JSON can hold."""


class Unavailable(ZooError):
    """It cannot be answered now."""


class Overloaded(Unavailable):
    """Too many are waiting already."""


class Expired(Unavailable):
    """It took longer than a request may take, or was given up."""
