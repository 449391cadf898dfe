"""`zoo evaluate --by`: the overall score stays as it is, and the groups are those of the data."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from zoo import Run, UnknownName
from zoo.base.progress import Silent
from zoo.base.registry import Registry
from zoo.report.drawing import Drawing
from zoo.runs import run_folder
from zoo.runs.selection import open_selection
from zoo.workflows.evaluate import evaluate


@pytest.fixture(scope="module")
def own(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that evaluations may be added to, without those that others have made of it."""
    path = tmp_path_factory.mktemp("by") / "run"
    leave = shutil.ignore_patterns(run_folder.EVALUATIONS)
    return run_folder.read(Path(shutil.copytree(trained.path, path, ignore=leave)))


@pytest.mark.slow
def test_the_score_over_all_is_unchanged_and_the_groups_partition_it(
    own: Run, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "phantom?images=60&size=64&seed=9"
    made: list[Drawing] = []
    new = Drawing.__init__
    monkeypatch.setattr(
        Drawing, "__init__", lambda one, *given: made.append(one) or new(one, *given)
    )
    scored = evaluate(own, source, registry=tiny_registry)
    assert len(made) == len(list(scored.folder.glob("*.png"))) == 7, "each once, for file and page"
    plain = scored.result
    assert plain["groups"] == []
    done = evaluate(own, source, by=("marker", "contrast", "marker"), registry=tiny_registry)
    assert {**done.result, "groups": []} == plain
    marker, contrast = done.result["groups"]
    dataset = tiny_registry.dataset(source)
    told = [dataset.attributes["marker"](sample) for sample in dataset.samples]
    assert {group["name"]: group["images"] for group in marker["groups"]} == {
        side: told.count(side) for side in ("left", "none", "right")
    }
    assert [group["images"] for group in contrast["groups"]] == [15, 15, 15, 15]
    assert (done.folder / "roc_auc-by-marker.png").stat().st_size > 1000
    assert "By marker" in (done.folder / "report.html").read_text("utf-8")
    card = (own.path / run_folder.CARD).read_text("utf-8")
    assert "only those by contrast, marker" in card
    assert f"By marker, {done.folder.name}" in card

    evaluate(own, source, by="prefix", registry=tiny_registry)
    assert not list(done.folder.glob("*-by-marker.png")), "pictures of what is not in the page"
    assert f"By marker, {done.folder.name}" not in (own.path / run_folder.CARD).read_text("utf-8")


def test_an_unknown_column_is_refused_before_any_image_is_read(
    own: Run, tiny_registry: Registry, tmp_path: Path
) -> None:
    table = tmp_path / "set.csv"
    with table.open("w", newline="") as stream:
        rows = [("missing1.png", "NORMAL", "AP"), ("missing2.png", "PNEUMONIA", "PA")]
        csv.writer(stream).writerows([("path", "label", "view"), *rows])
    with pytest.raises(UnknownName, match=r"no column 'veiw'.*Columns: label, path, view"):
        evaluate(own, str(table), by="veiw", registry=tiny_registry)


def test_rows_that_a_table_leaves_out_are_told(
    own: Run, tiny_registry: Registry, class_folders: Path, tmp_path: Path
) -> None:
    names = sorted(path.relative_to(tmp_path).as_posix() for path in class_folders.rglob("*.png"))
    lines = [
        f"{name},{'' if place < 3 else int('PNEUMONIA' in name)}"
        for place, name in enumerate(names)
    ]
    (tmp_path / "set.csv").write_text("\n".join(["path,label", *lines]))
    told: list[str] = []

    class Listening(Silent):
        def note(self, message: str) -> None:
            told.append(message)

    source = f"{tmp_path / 'set.csv'}?classes=0:NORMAL,1:PNEUMONIA"
    selection = open_selection(
        own, tiny_registry, source, "test", skip_broken=False, progress=Listening()
    )
    assert len(selection.samples) == 17
    assert any("3 images are left out: 3" in note for note in told)
