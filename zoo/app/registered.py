"""The pages of the application, each a module with its own routes."""

from __future__ import annotations

from fastapi import APIRouter

from zoo.app import checking_page, comparing, looking, reading, training_page
from zoo.app.shared import Shared


def routers(shared: Shared) -> list[APIRouter]:
    """Return the routes of every page."""
    modules = (reading, comparing, looking, checking_page, training_page)
    return [module.router(shared) for module in modules]
