from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo import BadInput, DamagedRun, NotWritten, UnknownName
from zoo.base import digests, leftovers
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run


def change_record(path: Path, **changes: Any) -> None:
    file = path / run_folder.RECORD
    record = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in record.items() if v is not ...}))


def opened(path: Path) -> Run:
    return run_folder.open_run(path, path.parent)


def test_a_finished_run_opens_by_path_by_name_and_as_the_newest(run_copy: Path) -> None:
    folder = run_copy.parent
    for name in (run_copy, str(run_copy), "copy", None):
        run = run_folder.open_run(name, folder)
        assert run.path == run_copy
        assert run.done
        assert run.class_names == ("NORMAL", "PNEUMONIA")


def test_a_run_folder_is_complete_in_itself(run_copy: Path) -> None:
    run = opened(run_copy)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    classifier, cases = model_file.load_classifier(run), run_folder.load_reference(run)
    assert classifier.probabilities(pixels).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert cases.embeddings.shape[1] == classifier.embeddings(pixels).shape[1]
    assert len(cases.names) == run.record["splits"]["train"]["images"]
    assert not (run_copy / run_folder.CHECKPOINT).exists()
    assert run.record["data"]["synthetic"] is True
    assert run.metrics()["test"]["images"] == run.record["splits"]["test"]["images"]


def test_the_kept_embeddings_are_those_of_the_kept_network(
    trained: Run, tiny_registry: Any
) -> None:
    cases, data = (
        run_folder.load_reference(trained),
        tiny_registry.dataset("phantom?images=80&size=64"),
    )
    by_name = {s.name: s for s in data.samples}
    pixels = np.stack([data.read(by_name[name], (64, 64)) for name in cases.names[:5]])
    found = model_file.load_classifier(trained).embeddings(pixels)
    assert np.allclose(found, cases.embeddings[:5], atol=1e-3)


@pytest.mark.parametrize(
    "file",
    [
        run_folder.MODEL,
        run_folder.CASES,
        run_folder.METRICS,
        run_folder.HISTORY,
        run_folder.TESTED,
    ],
)
def test_a_missing_file_is_told(run_copy: Path, file: str) -> None:
    (run_copy / file).unlink()
    with pytest.raises(DamagedRun, match=f"has no '{file}'"):
        opened(run_copy)


@pytest.mark.parametrize(
    "file",
    [
        run_folder.MODEL,
        run_folder.CASES,
        run_folder.METRICS,
        run_folder.HISTORY,
        run_folder.TESTED,
    ],
)
def test_an_altered_file_is_told(run_copy: Path, file: str) -> None:
    content = bytearray((run_copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (run_copy / file).write_bytes(content)
    with pytest.raises(DamagedRun, match=f"'{file}' of the run 'copy' was changed"):
        opened(run_copy)


@pytest.mark.parametrize("name", [run_folder.LOCALISER, run_folder.STRESSED])
def test_what_a_run_may_have_is_among_the_files_that_must_not_change(
    run_copy: Path, name: str
) -> None:
    (run_copy / name).write_bytes(b"of this run")
    run_folder.mark_done(run_folder.completed(run_copy, run_folder.read(run_copy).record))
    run_folder.open_run(run_copy)
    (run_copy / name).write_bytes(b"another one")
    with pytest.raises(DamagedRun, match=name):
        run_folder.open_run(run_copy)


def test_what_a_killed_training_left_in_a_finished_run_is_swept(run_copy: Path) -> None:
    (run_copy / run_folder.CHECKPOINT).write_bytes(b"no longer needed")
    half = run_copy / f"{leftovers.PREFIX}00000000-1-abcd.png"
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    assert opened(run_copy).done
    assert not half.exists()
    assert not (run_copy / run_folder.CHECKPOINT).exists()


def test_an_unfinished_run_says_how_to_go_on(run_copy: Path) -> None:
    change_record(run_copy, status=run_folder.TRAINING)
    with pytest.raises(DamagedRun, match="zoo train --resume"):
        opened(run_copy)
    with pytest.raises(UnknownName, match="no finished run"):
        run_folder.open_run(None, run_copy.parent)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b'"text"'])
def test_a_half_written_or_foreign_record_is_told(run_copy: Path, content: bytes) -> None:
    (run_copy / run_folder.RECORD).write_bytes(content)
    with pytest.raises(DamagedRun, match=r"run\.json"):
        opened(run_copy)


def test_a_missing_record_is_told(run_copy: Path) -> None:
    (run_copy / run_folder.RECORD).unlink()
    with pytest.raises(DamagedRun, match=r"no 'run\.json'"):
        opened(run_copy)


@pytest.mark.parametrize(
    "key", ["status", "class_names", "input_shape", "positive", "data", "splits", "recipe", "files"]
)
def test_a_record_without_what_is_needed_is_told(run_copy: Path, key: str) -> None:
    change_record(run_copy, **{key: ...})
    with pytest.raises(DamagedRun):
        opened(run_copy)


@pytest.mark.parametrize(("schema", "remedy"), [(99, "Upgrade it"), (1, "Train the run again")])
def test_another_schema_is_told_with_the_version_that_wrote_it(
    run_copy: Path, schema: int, remedy: str
) -> None:
    change_record(run_copy, schema=schema, versions={"xray-zoo": "9.8"}, splits=...)
    said = (
        rf"by xray-zoo 9\.8, schema {schema}; this is {zoo.__version__}, which reads 2\. {remedy}"
    )
    with pytest.raises(DamagedRun, match=said):
        opened(run_copy)


def test_a_model_file_is_not_a_run(run_copy: Path, tmp_path: Path) -> None:
    for name in ("model.h5", "model.keras"):
        (tmp_path / name).write_bytes(b"\x89HDF")
        with pytest.raises(BadInput, match=r"is a file; expected a run folder.*zoo import FILE"):
            opened(tmp_path / name)


def test_an_unknown_name_gets_the_closest(run_copy: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'copy'"):
        run_folder.open_run("coppy", run_copy.parent)
    with pytest.raises(UnknownName, match=r"no run 'x'\. Known: none"):
        run_folder.open_run("x", run_copy.parent / "nowhere")


def with_config(run: Path, change: Callable[[str], str]) -> Run:
    """Rewrite the network's configuration as someone would who also mends the digest."""
    model = run / run_folder.MODEL
    with zipfile.ZipFile(model) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["config.json"] = change(contents["config.json"].decode()).encode()
    with zipfile.ZipFile(model, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    record = json.loads((run / run_folder.RECORD).read_text())
    change_record(run, files={**record["files"], run_folder.MODEL: digests.digest_file(model)})
    return opened(run)


@pytest.mark.parametrize("spacing", [None, (",", ":"), (" , ", " : ")])
def test_a_lambda_layer_is_refused_however_it_is_written(
    run_copy: Path, spacing: tuple[str, str] | None
) -> None:
    def lambda_instead(config: str) -> str:
        content = json.loads(config)
        layer = next(x for x in content["config"]["layers"] if x["class_name"] == "Rescaling")
        layer["class_name"] = "Lambda"
        return json.dumps(content, separators=spacing)

    with pytest.raises(DamagedRun, match="Lambda layer"):
        model_file.load_classifier(with_config(run_copy, lambda_instead))


def test_a_layer_that_is_not_installed_is_told(run_copy: Path) -> None:
    def unknown(config: str) -> str:
        return config.replace('"Conv2D"', '"Conv9D"')

    with pytest.raises(DamagedRun, match="cannot be loaded"):
        model_file.load_classifier(with_config(run_copy, unknown))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no more", b"\x89HDF\r\n"])
def test_a_file_that_is_no_archive_is_told(run_copy: Path, content: bytes) -> None:
    (run_copy / run_folder.MODEL).write_bytes(content)
    record = json.loads((run_copy / run_folder.RECORD).read_text())
    digest = digests.digest_file(run_copy / run_folder.MODEL)
    change_record(run_copy, files={**record["files"], run_folder.MODEL: digest})
    with pytest.raises(DamagedRun, match=r"not a \.keras model file"):
        model_file.load_classifier(opened(run_copy))


def with_model(run: Path, change: Callable[[Any], None]) -> Run:
    """Change the network as someone would who also mends the digest."""
    model = model_file.load_classifier(opened(run)).model
    change(model)
    model_file.save_model(run, model)
    record = json.loads((run / run_folder.RECORD).read_text())
    digest = digests.digest_file(run / run_folder.MODEL)
    change_record(run, files={**record["files"], run_folder.MODEL: digest})
    return opened(run)


def test_weights_that_are_no_numbers_give_no_answer(run_copy: Path) -> None:
    def spoil(model: Any) -> None:
        model.layers[-1].kernel.assign(np.full(model.layers[-1].kernel.shape, np.nan))

    with pytest.raises(DamagedRun, match=r"'copy' has weights that are not finite, in '.*kernel'"):
        model_file.load_classifier(with_model(run_copy, spoil))


def test_a_network_of_another_input_than_the_record_says_is_told(run_copy: Path) -> None:
    change_record(run_copy, input_shape=[32, 64, 3])
    with pytest.raises(DamagedRun, match=r"takes pictures of \[64, 64, 3\] .* says \[32, 64, 3\]"):
        model_file.load_classifier(opened(run_copy))


@pytest.mark.parametrize("name", [run_folder.STRESSED, run_folder.TESTED])
def test_a_file_without_a_digest_is_not_believed(run_copy: Path, name: str) -> None:
    record = json.loads((run_copy / run_folder.RECORD).read_text())
    change_record(run_copy, files={k: v for k, v in record["files"].items() if k != name})
    with pytest.raises(DamagedRun, match=f"has no digest of its '{name}'"):
        run_folder.checked(run_folder.read(run_copy), name)
    if name == run_folder.STRESSED:  # opening needs it
        with pytest.raises(DamagedRun, match=f"has no digest of its '{name}'"):
            opened(run_copy)


def test_the_newest_finished_run_is_taken_and_garbage_skipped(run_copy: Path) -> None:
    folder = run_copy.parent
    for name, created in (
        ("newer", "2031-01-01"),
        ("older", "2019-01-01"),
        ("later", "2032-01-01"),
    ):
        shutil.copytree(run_copy, folder / name)
        change_record(folder / name, created=created)
    change_record(folder / "later", status=run_folder.TRAINING)
    (folder / "garbage").mkdir()
    (folder / "garbage" / run_folder.RECORD).write_text("{")
    (folder / "a file").write_text("")
    (folder / "no record").mkdir()
    assert [run.name for run in run_folder.listing(folder)] == ["older", "copy", "newer", "later"]
    assert run_folder.open_run(None, folder).name == "newer"
    assert [broken.name for broken in run_folder.survey(folder)[1]] == ["garbage"]
    assert run_folder.listing(folder / "nowhere") == []


def test_new_folders_never_meet(tmp_path: Path) -> None:
    made = {run_folder.create(tmp_path / "runs", "net") for _ in range(4)}
    assert len(made) == 4
    assert all(path.name.startswith("net-") for path in made)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match="file' cannot be written: File exists"):
        run_folder.create(tmp_path / "file", "net")


def test_a_folder_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to(tmp_path / "not mounted")
    with pytest.raises(NotWritten, match="runs' cannot be written: File exists"):
        run_folder.create(tmp_path / "runs", "net")


def test_the_root_follows_argument_then_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path))
    assert run_folder.root("here") == Path("here")
    assert run_folder.root() == tmp_path
    monkeypatch.delenv("ZOO_RUNS")
    assert run_folder.root() == Path("runs")


def test_a_run_of_a_network_with_a_prefix_has_a_folder_that_any_system_takes(
    tmp_path: Path,
) -> None:
    assert run_folder.create(tmp_path, "keras:VGG16").name.startswith("keras-VGG16-")


def test_a_new_run_removes_what_a_training_left_that_was_killed_as_it_began(tmp_path: Path) -> None:
    killed = tmp_path / "tiny-20260101-000000"
    killed.mkdir()
    half = killed / f"{leftovers.PREFIX}00000000-1-abcd.json"
    half.write_text("{")
    os.utime(half, (0, 0))
    mine = killed / leftovers.new_name(".json")
    mine.write_text("{")
    run_folder.create(tmp_path, "tiny")
    assert not half.exists()
    assert mine.exists(), "this process still writes it"
