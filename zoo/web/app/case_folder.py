"""Cases that somebody asked to keep: pictures, answers, maps, notes and corrected labels in files.

    cases.csv           a row for each case with a label: `zoo train --data FOLDER` reads it
    images/ID.png       the picture, 8 bits a value, without what its file said of a person
    records/ID.json     the answer, the notes, the label, and who changed what when
    records/ID.npz      what the network saw, and its maps

A case is there when its record is, which is written last and removed first. Whoever writes holds
the folder, in whatever process; every file is written whole.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting, UnknownName
from zoo.base.files import as_json, replacing, write_bytes, write_json, write_text
from zoo.base.locks import in_turn
from zoo.base.pictures.pixel_arrays import encode_png
from zoo.interpret.case import Case
from zoo.report.cases.record import case_record
from zoo.web.app.saved_case import IMAGES, LISTED, SavedCase, read_case, table_of
from zoo.web.service.limits import NotFinite

TABLE, RECORDS = "cases.csv", "records"
MOST = 10_000
"""Cases of one folder: a list looks through all of them."""
NOTES = 4000
"""Characters of the notes on a case."""
_KEY = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class Changed(InvalidSetting):
    """Somebody else changed the case meanwhile."""


class CaseFolder:
    """The cases of a folder, which may be written by several processes.

    Raises:
        NotWritten: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._listed: dict[Path, tuple[tuple[int, int], SavedCase]] = {}
        with self._writing():
            for part in (IMAGES, RECORDS):
                (self.folder / part).mkdir(exist_ok=True)
            self._sweep()
            self._mend_table()

    def all(self, user: str) -> list[SavedCase]:
        """Return the cases that a user saved, and those of nobody, the newest first.

        Of each answer that is what a list shows, and of its changes the last: all are in memory.
        """
        return [one for one in self._every() if one.user in ("", user)]

    def find(self, key: str, user: str) -> SavedCase:
        """Return a case of a user, or of nobody.

        Raises:
            UnknownName: there is none of that name, or it is somebody else's.
        """
        found = read_case(self._path(RECORDS, key, "json")) if _KEY.fullmatch(key) else None
        if found is None or found.user not in ("", user):
            raise UnknownName("This case is not here: it was deleted, or it is another person's.")
        return found

    def save(
        self, case: Case, picture: np.ndarray, *, user: str, digest: str, patient: str | None
    ) -> SavedCase:
        """Keep a case; `picture` is `(height, width, 3)` uint8 as a person sees it.

        Images of one content count as one patient's where nobody is known, so that they are never
        on both sides of a division.

        Raises:
            InvalidSetting: the folder is full.
            NotFinite: a method gave numbers that are not finite.
            NotWritten: it cannot be written.
        """
        record, arrays = case_record(replace(case, explanations=case.attributions))
        arrays = {name: values for name, values in arrays.items() if not name.startswith("regions")}
        try:
            as_json(record)
        except ValueError as error:
            raise NotFinite(
                "What is measured of this image is not finite, so that it cannot be saved."
            ) from error
        now = datetime.now(UTC)
        saved = SavedCase(
            id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
            saved=now.isoformat(timespec="seconds"),
            user=user,
            name=case.name,
            digest=digest,
            patient=patient or f"image-{digest}",
            shape=(picture.shape[0], picture.shape[1]),
            class_names=case.class_names,
            answer=record,
        )
        encoded = encode_png(picture)
        with self._writing():
            if len(self._every()) >= MOST:
                raise InvalidSetting(
                    f"{MOST:,} cases are saved, the most there may be. Delete some."
                )
            write_bytes(self._path(IMAGES, saved.id, "png"), encoded)
            with replacing(self._path(RECORDS, saved.id, "npz")) as temporary:
                np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
            self._write(saved)
        return saved

    def change(self, key: str, *, user: str, label: str, notes: str, version: int) -> SavedCase:
        """Set label and notes of a case that is still at the version that was seen.

        Raises:
            UnknownName: there is no such case of this user.
            InvalidSetting: the label is none of its classes, or the notes are too long.
            Changed: somebody changed it meanwhile.
            NotWritten: it cannot be written.
        """
        with self._writing():
            now = self.find(key, user)
            if label and label not in now.class_names:
                raise InvalidSetting(str(UnknownName.among("class", label, now.class_names)))
            if len(notes) > NOTES:
                raise InvalidSetting(
                    f"The notes have more than {NOTES:,} characters. Shorten them."
                )
            if version != now.version:
                raise Changed(
                    "Somebody changed this case meanwhile: what is there now is shown below your "
                    "notes. Save again to replace it; every change is kept in its record."
                )
            if (label, notes) == (now.label, now.notes):
                return now
            change = {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "user": user,
                "label": label,
                "notes": notes,
            }
            changed = replace(
                now,
                label=label,
                notes=notes,
                version=now.version + 1,
                changes=(*now.changes, change),
            )
            self._write(changed)
        return changed

    def delete(self, key: str, user: str) -> None:
        """Remove a case with all its files.

        Raises:
            UnknownName: there is no such case of this user.
        """
        with self._writing():
            self.find(key, user)
            self._path(RECORDS, key, "json").unlink(missing_ok=True)
            self._sweep()
            self._write_table()

    def picture(self, case: SavedCase) -> Path:
        """Return where the picture of a case lies.

        Raises:
            UnknownName: it is not there any more.
        """
        path = self._path(IMAGES, case.id, "png")
        if not path.is_file():
            raise UnknownName(f"The picture of the case '{case.name}' is gone. Delete the case.")
        return path

    def arrays(self, case: SavedCase) -> dict[str, np.ndarray]:
        """Return what the network saw, `pixels`, and its maps by the names in the record.

        Raises:
            BadInput: they are damaged.
        """
        path = self._path(RECORDS, case.id, "npz")
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except Exception as error:  # whatever a damaged archive raises
            raise BadInput(
                f"The maps of the case '{case.name}' cannot be read. Delete it."
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._turn, in_turn(self.folder):  # not every file system can lock a folder
            yield

    def _write(self, case: SavedCase) -> None:
        write_json(self._path(RECORDS, case.id, "json"), asdict(case))
        self._write_table()

    def _mend_table(self) -> None:
        """Write the table again that whoever was ended after a record did not write."""
        try:
            written = (self.folder / TABLE).read_text("utf-8")
        except (OSError, ValueError):
            written = ""
        cases = self._every()
        told = table_of(reversed(cases))
        if written != told and (written or cases):
            write_text(self.folder / TABLE, told)

    def _write_table(self) -> None:
        write_text(self.folder / TABLE, table_of(reversed(self._every())))

    def _every(self) -> list[SavedCase]:
        paths = sorted((self.folder / RECORDS).glob("*.json"), reverse=True)
        found = [self._in_list(path) for path in paths if _KEY.fullmatch(path.stem)]
        with self._lock:
            for gone in self._listed.keys() - set(paths):
                self._listed.pop(gone, None)
        return [one for one in found if one is not None]

    def _in_list(self, path: Path) -> SavedCase | None:
        """Return what a list shows of a case, read again only when its file has changed."""
        try:
            status = path.stat()
        except OSError:
            return None  # deleted meanwhile
        stamp = status.st_mtime_ns, status.st_ino
        with self._lock:
            known = self._listed.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        whole = read_case(path)
        if whole is None:
            return None
        answer = {name: whole.answer[name] for name in LISTED}
        listed = replace(whole, answer=answer, changes=whole.changes[-1:])
        with self._lock:
            self._listed[path] = (stamp, listed)
        return listed

    def _sweep(self) -> None:
        """Remove what belongs to no record: of a case that was deleted, or never became one."""
        for part, ending in ((IMAGES, "png"), (RECORDS, "npz")):
            for path in (self.folder / part).glob(f"*.{ending}"):
                if (
                    _KEY.fullmatch(path.stem)
                    and not self._path(RECORDS, path.stem, "json").exists()
                ):
                    path.unlink(missing_ok=True)

    def _path(self, part: str, key: str, ending: str) -> Path:
        return self.folder / part / f"{key}.{ending}"
