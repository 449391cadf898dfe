"""Who may train, and change what others use: a dependency of the routes that do so."""

from __future__ import annotations

from fastapi import Request

from zoo.web.service.door import Refused
from zoo.web.service.security import user_of


def check_rights(request: Request) -> None:
    """Go on for those who may train.

    Raises:
        Refused: this user may not.
    """
    user = user_of(request)
    if not user.may_train:
        raise Refused(
            403,
            f"'{user.name}' may not train here, nor change runs. Whoever runs this application can "
            "allow it: zoo users add FILE NAME --may-train",
        )
