"""What a service has to refuse besides what zoo.errors names.

BadInput
└── TooLarge        more bytes, pixels or files than one request may bring
ZooError
└── Unavailable     it cannot be answered now
    ├── Overloaded  too many are waiting already
    └── Expired     it took longer than a request may take, or was given up
"""

from __future__ import annotations

from zoo.errors import BadInput, ZooError


class TooLarge(BadInput):
    """More bytes, pixels or files than one request may bring."""


class Unavailable(ZooError):
    """It cannot be answered now."""


class Overloaded(Unavailable):
    """Too many are waiting already."""


class Expired(Unavailable):
    """It took longer than a request may take, or was given up."""
