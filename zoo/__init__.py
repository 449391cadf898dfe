"""A plugin-based model zoo for medical images with an explainability toolkit.

For research and teaching. Not a medical device.
"""

from __future__ import annotations

import importlib
from typing import Any

from zoo.hookspecs import hookimpl

__version__ = "0.1.0"
DISCLAIMER = "For research and teaching only. Not a medical device."

__all__ = ["DISCLAIMER", "__version__", "hookimpl"]
