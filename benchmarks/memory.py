"""Peak memory of indexing, checking and streaming a folder, small and large side by side.

    python benchmarks/memory.py [--files 1000 100000]

Each size runs in its own process. The images are made for the occasion, 64 x 64 gray PNGs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package


def make(folder: Path, files: int) -> None:
    """Write `files` small PNGs in two classes."""
    from PIL import Image

    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (64, 64, 64), np.uint8)
    for label in ("NORMAL", "PNEUMONIA"):
        (folder / label).mkdir()
    for i in range(files):
        picture = pictures[i % 64].copy()
        picture[0, :4] = np.frombuffer(i.to_bytes(4, "little"), np.uint8)  # no two are identical
        label = "PNEUMONIA" if i % 4 else "NORMAL"
        Image.fromarray(picture).save(folder / label / f"{i:06d}.png", compress_level=1)


def measure(folder: Path) -> None:
    """Print files, seconds and peak memory of one pass in this process."""
    import tensorflow as tf

    from zoo.base.environment import peak_memory
    from zoo.base.progress import SILENT
    from zoo.base.registry import load_registry
    from zoo.data.pipeline import batches
    from zoo.data.splits import split
    from zoo.data.verify import verify

    tf.constant(0)
    before = peak_memory()
    start = time.monotonic()
    verified = verify(load_registry().dataset(str(folder)), skip_broken=False, progress=SILENT)
    parts = split(verified.dataset, verified.digests, seed=0)
    seen = sum(len(b) for b in batches(verified.dataset, parts.train, (180, 180, 3)))
    peak = peak_memory()
    total = len(verified.dataset.samples)
    print(
        f"{total:>8,} files, {seen:>7,} streamed at 180x180: {time.monotonic() - start:6.1f} s, "
        f"peak {peak} MB, of which {before} MB before reading"
    )


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    for files in arguments.files:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), files)
            command = [sys.executable, __file__, "--measure", folder]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
