"""Picture files whose structure is wrong: chunks, segments, tags, headers, elements.

`python hostile_files.py SEED COUNT` makes them, reads each as a user's file is read, and writes
what happened as JSON; a process of its own, so that one which hangs or crashes is seen.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
from hostile.dicom import dicom
from hostile.drawing import GRAY, saved
from hostile.jpeg import jpeg
from hostile.png import png
from hostile.simple import simple
from hostile.tiff import tiff

from zoo import ZooError
from zoo.base.pictures import images

KINDS: dict[str, Callable[[Random], bytes]] = {
    "PNG": png, "JPEG": jpeg, "TIFF": tiff, "simple": simple, "DICOM": dicom
}  # fmt: skip


def hostile_file(seed: int, number: int) -> tuple[str, bytes]:
    """Make one file, always the same for its seed and number; return its kind, too."""
    random = Random(f"{seed} {number}")  # noqa: S311 (not for secrets)
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](random)


def main(seed: int, count: int) -> None:
    """Read that many files and write what happened."""
    images.read_image(saved(GRAY, "PNG"))
    outcomes: Counter[str] = Counter()
    failures, slowest, before = [], 0.0, _peak()
    for number in range(count):
        kind, content = hostile_file(seed, number)
        began = time.process_time()
        try:
            size = None if number % 2 else (16, 16)
            assert images.read_image(content, size).dtype == np.uint8
            outcomes[f"{kind} read"] += 1
        except ZooError:
            outcomes[f"{kind} refused"] += 1
        except BaseException as error:
            failures.append(f"{number} {kind}: {type(error).__name__}: {error}")
        slowest = max(slowest, time.process_time() - began)
    print(
        json.dumps(
            {
                "outcomes": outcomes,
                "failures": failures,
                "seconds": slowest,
                "megabytes": _peak() - before,
            }
        )
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
