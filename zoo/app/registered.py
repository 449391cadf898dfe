"""The pages of the application, each a module with its own routes."""

from __future__ import annotations

from fastapi import APIRouter

from zoo.app.checking_page import router as data
from zoo.app.comparing import router as compare
from zoo.app.looking import router as runs
from zoo.app.reading import router as read
from zoo.app.shared import Shared
from zoo.app.training_page import router as train


def routers(shared: Shared) -> list[APIRouter]:
    """Return the routes of every page."""
    return [router(shared) for router in (read, compare, runs, data, train)]
