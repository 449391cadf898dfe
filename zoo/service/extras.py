"""Packages that only the service and the application need."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from zoo.errors import InvalidSetting

SERVE = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def require(extra: str, modules: Sequence[str]) -> None:
    """Make sure that the packages of an extra are installed, before anything else is done.

    Raises:
        InvalidSetting: one is missing; says how to install it.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidSetting(
            f"This needs {' and '.join(missing)}, which are not part of the plain installation. "
            f"Install with: pip install 'xray-zoo[{extra}]'"
        )
