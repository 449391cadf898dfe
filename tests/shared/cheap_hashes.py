"""Hashes of passwords that cost nothing, since a test is not guessed at."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from zoo.web.service import users


def use_cheap_hashes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(users, "_hasher", lambda: PasswordHasher.from_parameters(CHEAPEST))
