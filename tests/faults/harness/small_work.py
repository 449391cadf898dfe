"""What reads and writes files, without TensorFlow: each function goes on where it was.

They work in the current folder: `data` is read, `out` is what comes out, and must always be whole.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from zoo.base.files import write_bytes, write_json, write_text
from zoo.report.cases import casebook
from zoo.report.cases.index import Entry, index_page
from zoo.runs import reference, run_folder
from zoo.stats import labelled_logits
from zoo.stats.labelled_logits import LabelledLogits
from zoo.training import checkpoint
from zoo.training.checkpoint import Checkpoint, TrainingState

OUT, DATA = Path("out"), Path("data")
EPOCHS = 4


def prepare(folder: Path) -> None:
    """Write what the functions below are given: images, an archive, and files that are replaced."""
    from PIL import Image

    random = np.random.default_rng(0)
    for label, name in enumerate(("NORMAL", "PNEUMONIA")):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(14):
            gray = random.integers(0, 120 + 60 * label, (48, 48), np.uint8)
            Image.fromarray(gray).save(folder / "data" / name / f"p{label}{number:02}.png")
    arrays = {
        f"{part}_{kind}": values
        for part in ("train", "val", "test")
        for kind, values in (
            ("images", random.integers(0, 256, (6, 64, 64), np.uint8)),
            ("labels", np.arange(6)[:, None] % 2),
        )
    }
    np.savez_compressed(folder / "archive.npz", **arrays)
    (folder / "out").mkdir()
    (folder / "out" / "page.html").write_text("<p>The page as it was.</p>")
    (folder / "out" / "scores.json").write_text('{"roc_auc": 0.5}')


def documents(_: list[str]) -> None:
    """A page, a table of figures and a picture take the place of earlier ones."""
    write_text(OUT / "page.html", "<p>The page as it is now, and somewhat longer.</p>" * 300)
    write_json(OUT / "scores.json", {"roc_auc": 0.75, "images": list(range(500))})
    write_bytes(OUT / "deep" / "down" / "picture.png", bytes(range(256)) * 300)


def answers(_: list[str]) -> None:
    """Arrays of a run are written, and read again."""
    random = np.random.default_rng(1)
    logits, labels = random.normal(size=(30, 2)).astype(np.float32), np.arange(30) % 2
    names = np.array([f"p{n}" for n in range(30)])
    path = OUT / "validation.npz"
    labelled_logits.save(path, LabelledLogits(logits, labels, names, names))
    assert np.array_equal(labelled_logits.load(path).logits, logits)
    cases = reference.Reference(
        embeddings=random.normal(size=(30, 8)).astype(np.float32),
        labels=labels.astype(np.int32),
        names=tuple(names.tolist()),
        patients=tuple(names.tolist()),
        digests=tuple(names.tolist()),
        thumbnails=tuple(name.encode() * 50 for name in names.tolist()),
        shapes=None,
    )
    reference.save(OUT / "reference.npz", cases)
    assert reference.load(OUT / "reference.npz").thumbnails == cases.thumbnails


def checkpoints(_: list[str]) -> None:
    """Epochs that follow from the one before: a lost or half-read state gives other numbers."""
    path, values, state = OUT / "checkpoint.npz", [np.zeros((40, 40))], TrainingState()
    if path.is_file():
        saved = checkpoint.load(path)
        values, state = saved.variables, saved.state
    while state.epoch < EPOCHS:
        state.epoch += 1
        values = [np.sin(value + state.epoch) for value in values]
        checkpoint.save(path, Checkpoint(state, values, values, values))


def a_run(_: list[str]) -> None:
    """A run folder is made and filled; it is marked as done when all of it is there."""
    records = {path: json.loads(path.read_text()) for path in OUT.glob("*/run.json")}
    if not any(record["status"] == run_folder.DONE for record in records.values()):
        if records:
            path = next(iter(records)).parent
        else:
            path = run_folder.create(OUT, "net")
            run_folder.write_record(path, {"architecture": "net"})
        for name in (*run_folder.NEEDED, run_folder.HISTORY):
            write_bytes(path / name, name.encode() * 1000)
        run_folder.mark_done(run_folder.completed(path, {"architecture": "net"}))


def casebooks(_: list[str]) -> None:
    """Explained images are added to a log, and an index is made of it."""
    known = {entry.path for entry in casebook.entries(OUT)}
    for number in range(5):
        page = f"{number}.html"
        if str(number) not in known:
            write_text(OUT / page, f"<p>Image {number}</p>" * 100)
            entry = Entry(
                str(number), f"ü{number}", str(number), "d", "k", "NORMAL", 0.5, None, {}, {}
            )
            casebook.append(OUT, entry)
    write_text(OUT / casebook.INDEX, index_page(casebook.entries(OUT), run="net"))


def images(_: list[str]) -> None:
    """Every image of a folder is read, and what it is goes into one file."""
    from zoo.base.progress import SILENT
    from zoo.base.registry import load_registry
    from zoo.data.verify import verify

    dataset = load_registry().dataset(str(DATA))
    verified = verify(dataset, skip_broken=False, progress=SILENT)
    means = {s.name: float(dataset.read(s, None).mean()) for s in dataset.samples}
    write_json(OUT / "read.json", [verified.fingerprint, verified.digests, means])


def an_archive(_: list[str]) -> None:
    """Large arrays of an archive are unpacked to the cache; a cache costs time, never the work."""
    from plugins.readers.npz import unpacked
    from zoo.base.registry import load_registry

    unpacked.LARGE = 1
    dataset = load_registry().dataset("archive.npz")
    read = {s.name: dataset.read(s, None).tolist() for s in dataset.samples}
    (OUT / "read.json").parent.mkdir(exist_ok=True)
    write_text(OUT / "read.json", json.dumps(read))


WORKS = (documents, answers, checkpoints, a_run, casebooks, images, an_archive)


def careless(_: list[str]) -> None:
    """A page is written under its own name, as nothing here should be."""
    (OUT / "page.html").write_text("<p>The page as it is now.</p>" * 300)
