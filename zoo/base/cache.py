"""Where files are kept that can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder: ZOO_CACHE, or the user's cache folder."""
    named = os.environ.get("ZOO_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("xray-zoo"))
