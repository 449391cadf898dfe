"""What a service tells Prometheus: requests, steps, answers, refusals, who waits, memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from zoo.web.service.queue import Queue

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
OTHER = "other"


class Metrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self, queues: Iterable[Queue]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "zoo_requests", "Requests.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "zoo_request_seconds",
            "Seconds from request to answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.images = Counter(
            "zoo_images_answered",
            "Images by what was answered.",
            ["run", "answer"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "zoo_refusals", "Images for which no class was named.", ["run"], registry=self.registry
        )
        self.steps = Histogram(
            "zoo_step_seconds",
            "Seconds of a step: waiting in a queue, loading, decoding, answering, explaining.",
            ["step"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)  # memory, processor time and open files, on Linux
        waiting = Gauge(
            "zoo_queue_length",
            "Requests that wait or are at work.",
            ["queue"],
            registry=self.registry,
        )
        for queue in queues:
            waiting.labels(queue.name).set_function(partial(_length, queue))

    def answered(self, run: str, answer: str, refused: bool) -> None:
        """Count an image that was answered."""
        self.images.labels(run, answer).inc()
        if refused:
            self.refusals.labels(run).inc()

    def step(self, step: str, seconds: float) -> None:
        """Note how long a step took."""
        self.steps.labels(step).observe(seconds)

    def follow(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Tell a figure that is read whenever somebody asks for the page."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def page(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self.registry)


def _length(queue: Queue) -> float:
    return queue.length


class Measured:
    """Middleware that counts and times requests by route; unknown paths are one route."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: frozenset[str]) -> None:
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        route = scope["path"] if scope["path"] in self.routes else OTHER
        status, start = 500, time.monotonic()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.metrics.requests.labels(route, str(status)).inc()
            self.metrics.seconds.labels(route).observe(time.monotonic() - start)
