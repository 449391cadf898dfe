"""Does a reader keep what is promised, on a data set of its own?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from zoo.base.errors import UnknownName, ZooError
from zoo.base.registry import Registry, load_registry
from zoo.base.sources import parse
from zoo.base.types import Dataset
from zoo.testing.verdicts import MisfitError, Verdict, tried

SIZE = (48, 32)
LOOKED_AT = 12
THREADS = 4
FOREIGN = ("", "nowhere", "nowhere/at/all.unknown", "https://example.org/data")
"""Locations that no reader of files takes."""
NO_OPTION = "no-such-option"


def check_reader(name: str, source: str, *, registry: Registry | None = None) -> list[Verdict]:
    """Try everything that is promised of the reader `name`, by the data set `source`.

    `name` is that of its plugin, as `zoo list` shows it.

    Raises:
        UnknownName: there is no such reader.
    """
    registry = registry or load_registry()
    known = registry.reader_names()
    if name not in known:
        raise UnknownName.among("reader", name, known)
    return _Trial(registry, known[name], source).verdicts()


class _Trial:
    """One trial: the reader alone in its registry, and a data set that it opens."""

    def __init__(self, registry: Registry, name: str, source: str) -> None:
        self.read, self.name, self.source = registry.readers[name], name, source
        self.alone = Registry({}, {}, {name: self.read}, {}, ())
        self.dataset: Dataset | None = None

    def verdicts(self) -> list[Verdict]:
        opened = tried("opened", self._opens, "docs/plugins.md says what a Dataset holds.")
        told = [
            opened,
            tried(
                "foreign",
                self._leaves_others,
                "Return None for a location that is not yours, without raising.",
            ),
            tried(
                "options",
                self._refuses_options,
                "Call check_options with the options that you know.",
            ),
        ]
        if not opened.fits:
            return told
        return [
            *told,
            tried("pixels", self._pixels, "Return uint8 (height, width, 3): read_image does it."),
            tried("digests", self._digests, "Digest what is stored: digest_file does it."),
            tried("threads", self._threads, "Share no open file or position between calls."),
            tried("patients", self._patients, "assign_patients finds them by name or folder."),
        ]

    def _data(self) -> Dataset:
        if self.dataset is None:
            self.dataset = self.alone.dataset(self.source)
        return self.dataset

    def _opens(self) -> str:
        data = self._data()
        return f"{len(data.samples)} images of {', '.join(data.class_names)}"

    def _leaves_others(self) -> str:
        own, _ = parse(self.source)
        for location in FOREIGN:
            if location != own and self.read(location, {}) is not None:
                raise MisfitError(f"it takes '{location}'")
        return "other locations are left to other readers"

    def _refuses_options(self) -> str:
        location, options = parse(self.source)
        try:
            self.read(location, {**options, NO_OPTION: "1"})
        except UnknownName:
            return "an unknown option is refused by name"
        except ZooError as error:
            raise MisfitError(
                f"an unknown option raises {type(error).__name__}: {error}"
            ) from error
        raise MisfitError("an unknown option is passed over: a slip of the pen changes nothing")

    def _pixels(self) -> str:
        data = self._data()
        for sample in data.samples[:LOOKED_AT]:
            small, stored = data.read(sample, SIZE), data.read(sample, None)
            if small.shape != (*SIZE, 3):
                raise MisfitError(f"'{sample.name}' at {SIZE} is {small.shape}")
            if stored.ndim != 3:
                raise MisfitError(f"'{sample.name}' as stored is {stored.shape}")
        return f"{min(LOOKED_AT, len(data.samples))} images, at a size and as stored"

    def _digests(self) -> str:
        data = self._data()
        known: dict[str, np.ndarray] = {}
        for sample in data.samples[:LOOKED_AT]:
            digest, pixels = data.digest(sample), data.read(sample, SIZE)
            if digest != data.digest(sample):
                raise MisfitError(f"that of '{sample.name}' is another one when asked again")
            other = known.setdefault(digest, pixels)
            if not np.array_equal(other, pixels):
                raise MisfitError(f"'{sample.name}' has that of another picture")
        return "the same when asked again, others for other pictures"

    def _threads(self) -> str:
        data = self._data()
        samples = data.samples[:LOOKED_AT]
        alone = [data.read(sample, SIZE) for sample in samples]
        with ThreadPoolExecutor(THREADS) as pool:
            together = list(pool.map(lambda sample: data.read(sample, SIZE), samples * THREADS))
        for place, pixels in enumerate(together):
            if not np.array_equal(pixels, alone[place % len(alone)]):
                raise MisfitError(
                    f"'{samples[place % len(alone)].name}' is another picture when several are read"
                )
        return f"{THREADS} threads read what one reads"

    def _patients(self) -> str:
        data = self._data()
        patients = {sample.patient for sample in data.samples}
        if len(patients) < 2 * len(data.class_names):
            raise MisfitError(f"only {len(patients)} patients: the data cannot be divided by them")
        return f"{len(patients)} patients; rule: {data.patient_rule}"
