"""Public data sets by name: where each is, what it is, under which licence, and its checksum.

Addresses and MD5 sums of MedMNIST are those of its package, version 3.0.2; the archive is Zenodo's
record 10519652.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.errors import UnknownName

KAGGLE = "kaggle:"
"""What the name of a set begins with that Kaggle's own client fetches: `kaggle:OWNER/SET`."""


@dataclass(frozen=True)
class Entry:
    """A data set that can be fetched.

    `address` is the page that a person reads, `file` what is fetched: a URL, or `kaggle:OWNER/SET`.
    `folder` is where the images are in what was unpacked, and is empty for a single file. `md5` is
    empty where its publisher names none.
    """

    name: str
    title: str
    images: int
    licence: str
    source: str
    address: str
    file: str
    folder: str = ""
    md5: str = ""

    def row(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @property
    def file_name(self) -> str:
        """Return what the file is called on the disk."""
        return self.file.partition("?")[0].rpartition("/")[2] if not self.folder else ARCHIVE


ARCHIVE = "archive.zip"
KERMANY = (
    "Daniel Kermany, Kang Zhang, Michael Goldbaum, Large Dataset of Labeled Optical Coherence "
    "Tomography (OCT) and Chest X-Ray Images, 2018"
)
OTHERS = (
    Entry(
        "chest-xray",
        "chest X-rays of children, pneumonia or normal (Kermany), as first published",
        5856,
        "CC BY 4.0",
        KERMANY,
        "https://data.mendeley.com/datasets/rscbjbr9sj/2",
        "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
        "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
        folder="chest_xray",
    ),
    Entry(
        "chest-xray-kaggle",
        "the same, with a small validation part, by Kaggle's client and your account there",
        5856,
        "CC BY 4.0",
        KERMANY,
        "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
        "kaggle:paultimothymooney/chest-xray-pneumonia",
        folder="chest_xray",
    ),
)


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Return the sets that are known by name; those of MedMNIST in each of their sizes."""
    told = json.loads(Path(__file__).with_name("medmnist.json").read_text("utf-8"))["medmnist"]
    found = {entry.name: entry for entry in OTHERS}
    for one in told["sets"]:
        for size, md5 in one["md5"].items():
            name = one["name"] if size == "28" else f"{one['name']}_{size}"
            found[name] = Entry(
                name,
                f"{one['title']}, {size} x {size}",
                one["images"],
                one["licence"],
                told["source"],
                told["address"],
                told["files"].format(file=f"{name}.npz"),
                md5=md5,
            )
    return found


def entry(name: str) -> Entry:
    """Return the set of that name; any of Kaggle's is named `kaggle:OWNER/SET`.

    Raises:
        UnknownName: there is none.
    """
    if name.startswith(KAGGLE) and name.count("/") == 1:
        owner_and_set = name.removeprefix(KAGGLE)
        page = f"https://www.kaggle.com/datasets/{owner_and_set}"
        return Entry(name, owner_and_set, 0, "see its page", "see its page", page, name, folder=".")
    known = entries()
    if name not in known:
        raise UnknownName.among("data set", name, known)
    return known[name]
