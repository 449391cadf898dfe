"""A folder that is watched while the application runs, and the worklist that it fills."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base import digests
from zoo.base.errors import BadInput, UnknownName, ZooError
from zoo.base.pictures import image_files
from zoo.data.arrivals import ArrivingImages, Stamp
from zoo.data.queries import Skipped
from zoo.runs.run_folder import Run
from zoo.web.service import uploads
from zoo.web.service.endpoints import Desk
from zoo.web.service.engine import Engine
from zoo.web.service.limits import MEGABYTE, TooLarge, Unavailable
from zoo.web.service.uploads import Upload
from zoo.workflows.incoming import Answered, answer_incoming
from zoo.workflows.predict import Prediction

logger = logging.getLogger(__name__)

MOST = 500
"""Files of the worklist; the oldest makes room. Of those that are there at the start, as many."""


@dataclass(frozen=True)
class Item:
    """A file of the worklist: what was answered to it, or why it cannot be read (`problem`)."""

    id: str
    name: str
    path: Path
    arrived: str
    run: str
    answer: str = ""
    leaning: str = ""
    refused: str = ""
    reason: str = ""
    probabilities: dict[str, float] | None = None
    synthetic: bool = False
    problem: str = ""

    def told(self) -> dict[str, Any]:
        """Return it as plain data, without where the file lies."""
        return {name: value for name, value in vars(self).items() if name != "path"}


class Watching:
    """Answers to what comes into a folder, with the newest run, behind what people ask for.

    Raises:
        BadInput: there is no such folder.
    """

    def __init__(self, folder: Path, desk: Desk) -> None:
        if not folder.is_dir():
            raise BadInput(f"There is no folder '{folder}' to watch. Make it, or check the path.")
        self.folder, self.desk = folder, desk
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._items: OrderedDict[str, Item] = OrderedDict()
        self.answered, self.broken = 0, 0
        self._run: Run | None = None
        self._told = ""
        self._images = ArrivingImages(folder, _all_but_the_newest(folder))
        self._thread = threading.Thread(target=self._work, name="zoo-watching", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many files were seen and have no answer yet."""
        return self._images.waiting

    @property
    def items(self) -> list[Item]:
        """Return the worklist, the newest first."""
        with self._lock:
            return list(reversed(self._items.values()))

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()

    def upload(self, key: str) -> Upload:
        """Read a file of the worklist again.

        Raises:
            UnknownName: it is not on the list any more.
            BadInput: it cannot be read any more.
            TooLarge: it has grown beyond the limits.
        """
        with self._lock:
            item = self._items.get(key)
        if item is None:
            raise UnknownName("This file is not on the worklist any more.")
        return self._read(item.path)

    def _work(self) -> None:
        watched = self._answered()
        while not self._ended.is_set():
            try:
                for one in watched:
                    self._keep(one)
            except Exception:  # a bug; what came before stays, and the next file is tried
                logger.exception("Watching '%s' failed", self.folder)
                self._ended.wait(10)
                watched = self._answered()

    def _answered(self) -> Iterator[Answered]:
        return answer_incoming(self.folder, self._answers, ended=self._ended, images=self._images)

    def _answers(self, paths: Sequence[Path]) -> Iterator[Prediction | Skipped]:
        for path in paths:
            if self._ended.is_set():
                return
            try:
                yield self._answer(path)
            except BadInput as error:
                yield Skipped(str(path), str(error))
            except (ZooError, CancelledError) as error:  # of the service: tried again later
                if not isinstance(error, Unavailable | CancelledError):
                    self._tell(str(error))
                return

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            logger.error("What comes into '%s' is not answered: %s", self.folder, sentence)

    def _answer(self, path: Path) -> Prediction:
        upload = self._read(path)

        def work(engine: Engine) -> Prediction:
            (made,) = engine.predict([upload])
            self._run = engine.run
            share = made.probabilities[made.leaning]
            self.desk.note(engine.run, [(upload, made.label, share, bool(made.refused))])
            return made

        made = self.desk.library.answer(None, work).result()
        return Prediction(**{**vars(made), "name": str(path)})

    def _read(self, path: Path) -> Upload:
        limits, name = self.desk.library.limits, path.relative_to(self.folder).as_posix()
        try:
            digests.check_regular(path)
            size = path.stat().st_size
            if size > limits.file_bytes:
                raise TooLarge(
                    f"'{name}' has {size / MEGABYTE:.0f} MB; the limit is "
                    f"{limits.file_bytes / MEGABYTE:.0f} MB."
                )
            return uploads.accept(path.read_bytes(), name, limits)
        except OSError as error:
            raise BadInput(f"'{name}' cannot be read: {error.strerror}.") from error

    def _keep(self, one: Answered) -> None:
        answer = one.answer
        run = self._run if isinstance(answer, Prediction) else None
        about: dict[str, Any] = {
            "id": secrets.token_urlsafe(12),
            "name": one.arrival.name,
            "path": one.arrival.path,
            "arrived": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": "" if run is None else run.name,
        }
        if isinstance(answer, Skipped):
            self.broken += 1
            logger.warning("In '%s': %s", self.folder, answer.reason)
            item = Item(**about, problem=answer.reason)
        else:
            self.answered += 1
            item = Item(
                **about,
                answer=answer.label,
                leaning=answer.leaning,
                refused=answer.refused,
                reason=answer.reason,
                probabilities=answer.probabilities,
                synthetic=bool(run and run.record["data"]["synthetic"]),
            )
        with self._lock:
            for key in [key for key, old in self._items.items() if old.name == item.name]:
                del self._items[key]  # another file under the same name takes its place
            self._items[item.id] = item
            while len(self._items) > MOST:
                self._items.popitem(last=False)


def _all_but_the_newest(folder: Path) -> dict[str, Stamp]:
    stamps: dict[str, Stamp] = {}
    for name in image_files.walk(folder).names:
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        stamps[name] = status.st_size, status.st_mtime_ns
    oldest_first = sorted(stamps, key=lambda name: stamps[name][1])
    return {name: stamps[name] for name in oldest_first[:-MOST]}
