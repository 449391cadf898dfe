"""Reading large JPEG files, beside Pillow alone and other decoders.

    python benchmarks/reading.py [--files 1000] [--size 224] [--decoders]

What checking and the full range of kinds cost is seen beside Pillow alone. With `--decoders` each
other decoder that is installed is tried too: imagecodecs, TensorFlow, simplejpeg and PyTurboJPEG
(which needs the library libturbojpeg). All of them take Pillow's filter to the size that is wanted,
and how far their gray levels are from those of `zoo.read_image` is told.

The files are drawn for the occasion: phantoms of 1600 x 1300, gray, JPEG of quality 90. Each is
read once in each way, in turns, by one thread; the time is that of the processor, so that other
work on the machine does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

Way = Callable[[Path, tuple[int, int]], np.ndarray]

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


def filtered(gray: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring decoded gray to a size as Pillow does, `(height, width, 3)`."""
    small = np.asarray(Image.fromarray(gray).resize(size[::-1], Image.Resampling.BILINEAR))
    return np.repeat(small[..., None], 3, axis=-1)


def others(factor: int) -> dict[str, Way]:
    """Return the decoders that are installed; those that can decode at 1 / `factor`."""
    ways: dict[str, Way] = {}
    with contextlib.suppress(ImportError):
        import imagecodecs

        ways["imagecodecs"] = lambda path, size: filtered(
            imagecodecs.jpeg8_decode(path.read_bytes()), size
        )
    with contextlib.suppress(ImportError):
        import tensorflow as tf

        ways["TensorFlow"] = lambda path, size: filtered(
            tf.io.decode_jpeg(
                path.read_bytes(), 1, ratio=factor, dct_method="INTEGER_ACCURATE"
            ).numpy()[..., 0],
            size,
        )
    with contextlib.suppress(ImportError):
        import simplejpeg

        ways["simplejpeg"] = lambda path, size: filtered(
            simplejpeg.decode_jpeg(
                path.read_bytes(), "GRAY", min_height=HEIGHT // factor, min_width=WIDTH // factor
            )[..., 0],
            size,
        )
    with contextlib.suppress(ImportError, RuntimeError, OSError):
        from turbojpeg import TJPF_GRAY, TurboJPEG

        decoder = TurboJPEG()
        ways["PyTurboJPEG"] = lambda path, size: filtered(
            decoder.decode(path.read_bytes(), TJPF_GRAY, (1, factor))[..., 0], size
        )
    return ways


def spent(read: Way, path: Path, side: int) -> float:
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
    parser.add_argument("--decoders", action="store_true")
    arguments = parser.parse_args()
    ways: dict[str, Way] = {"zoo.read_image": read_image, "Pillow alone": by_pillow}
    if arguments.decoders:
        least = min(WIDTH, HEIGHT) // (2 * arguments.size)  # as Pillow's draft chooses
        ways |= others(max(f for f in (1, 2, 4, 8) if f <= max(1, least)))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    apart = dict.fromkeys(ways, 0)
    with tempfile.TemporaryDirectory() as folder:
        paths = make(Path(folder), arguments.files)
        sizes = [path.stat().st_size for path in paths]
        side = (arguments.size, arguments.size)
        for path in paths[:DRAWN]:
            expected = read_image(path, side).astype(np.int16)
            for name, read in ways.items():
                apart[name] = max(apart[name], int(np.abs(read(path, side) - expected).max()))
        for number, path in enumerate(paths):
            names = list(ways)
            first = number % len(names)  # the later ones find the file cached
            for name in names[first:] + names[:first]:
                seconds[name].append(spent(ways[name], path, arguments.size))
    print(
        f"{len(paths):,} JPEG files of {WIDTH} x {HEIGHT}, {np.mean(sizes) / 1e3:.0f} kB each, to "
        f"{arguments.size} x {arguments.size}"
    )
    for name, taken in seconds.items():
        middle, high = np.quantile(taken, [0.5, 0.95]) * 1e3
        print(
            f"{name:<14} {sum(taken):6.1f} s, {middle:.2f} ms an image, 95 % in {high:.2f} ms, "
            f"at most {apart[name]} gray levels apart"
        )


if __name__ == "__main__":
    main()
