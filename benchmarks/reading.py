"""Reading large JPEG files, beside Pillow alone: what checking and the full range of kinds cost.

    python benchmarks/reading.py [--files 1000] [--size 224]

The files are drawn for the occasion: phantoms of 1600 x 1300, gray, JPEG of quality 90. Each is
read once by `zoo.read_image` and once by Pillow's own decoder, draft and filter, in turns, by one
thread; the time is that of the processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

WIDTH, HEIGHT = 1600, 1300
DRAWN = 40
"""Different phantoms; more files are made by moving their rows."""


def make(folder: Path, files: int) -> list[Path]:
    """Write `files` gray JPEG files."""
    from zoo import load_registry, resize

    dataset = load_registry().dataset(f"phantom?images={DRAWN}&size=1024")
    pictures = [resize(dataset.read(one, None), (HEIGHT, WIDTH))[..., 0] for one in dataset.samples]
    paths = [folder / f"{number:05d}.jpeg" for number in range(files)]
    for number, path in enumerate(paths):
        moved = np.roll(pictures[number % DRAWN], number // DRAWN, axis=0)
        Image.fromarray(moved).save(path, quality=90)
    return paths


def by_pillow(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read as `(height, width, 3)` uint8 with nothing checked."""
    with Image.open(path) as image:
        image.draft(None, (2 * max(size),) * 2)
        gray = image.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(gray.convert("RGB"))


def spent(read: Callable[[Path, tuple[int, int]], np.ndarray], path: Path, side: int) -> float:
    """Return the seconds of the processor that reading takes."""
    start = time.thread_time()
    read(path, (side, side))
    return time.thread_time() - start


def main() -> None:
    """Read every file in both ways and print how long it took."""
    from zoo import read_image

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    ways = {"zoo.read_image": read_image, "Pillow alone": by_pillow}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        paths = make(Path(folder), arguments.files)
        sizes = [path.stat().st_size for path in paths]
        side = (arguments.size, arguments.size)
        for path in paths[:DRAWN]:
            np.testing.assert_array_equal(*(read(path, side) for read in ways.values()))
        for number, path in enumerate(paths):
            for name in sorted(ways, reverse=bool(number % 2)):  # the second finds it cached
                seconds[name].append(spent(ways[name], path, arguments.size))
    print(
        f"{len(paths):,} JPEG files of {WIDTH} x {HEIGHT}, {np.mean(sizes) / 1e3:.0f} kB each, to "
        f"{arguments.size} x {arguments.size}, with the same pixels"
    )
    for name, taken in seconds.items():
        middle, high = np.quantile(taken, [0.5, 0.95]) * 1e3
        print(f"{name:<14} {sum(taken):6.1f} s, {middle:.1f} ms an image, 95 % in {high:.1f} ms")


if __name__ == "__main__":
    main()
