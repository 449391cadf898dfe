"""Wait for queued work without holding up the event loop, and let go of it when nobody waits."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, TypeVar

from starlette.requests import Request

from zoo.service.errors import Expired
from zoo.service.lanes import Deadline

Result = TypeVar("Result")


async def outcome(request: Request, future: Future[Result], deadline: Deadline) -> Result:
    """Return what the work gives; it is given up when the client leaves or the time is over.

    Raises:
        Expired: the deadline has come, or the client is gone.
    """
    work = asyncio.wrap_future(future)
    left = asyncio.ensure_future(_left(request))
    waited: set[asyncio.Future[Any]] = {work, left}
    try:
        await asyncio.wait(waited, timeout=deadline.left, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
    finally:
        deadline.give_up()
        left.cancel()
        work.cancel()  # takes it out of the queue if it has not begun
    raise Expired("It took longer than a request may take. Send it again later, or fewer images.")


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
