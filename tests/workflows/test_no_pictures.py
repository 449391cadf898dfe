"""A run that keeps no pictures: not in its cases, not in its pages, and it says so."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from zoo.cli import main
from zoo.report.cases.page import case_page
from zoo.runs import run_folder
from zoo.workflows import evaluate, explain, stress, train

JPEG, EMBEDDED = b"\xff\xd8\xff", b"data:image/jpeg"


@pytest.fixture(scope="module")
def run(tiny_registry, tmp_path_factory):
    return train.train(
        "tiny",
        "phantom?images=80&size=64",
        changes={"pictures": False, "epochs": 1},
        folder=tmp_path_factory.mktemp("runs"),
        registry=tiny_registry,
    )


def holding_pictures(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return {file.name for file in files if JPEG in (c := file.read_bytes()) or EMBEDDED in c}


@pytest.mark.slow
def test_neither_cases_nor_errors_leave_a_picture_in_the_run(run, trained, tiny_registry):
    scored = evaluate.evaluate(run, split="validation", registry=tiny_registry)
    assert "trained with --reference none" in (scored.folder / "report.html").read_text("utf-8")
    changed = stress.stress(run, images=4, registry=tiny_registry)
    assert "trained with --reference none" in (changed.folder / "report.html").read_text("utf-8")
    assert holding_pictures(run.path) == set()
    assert "reference.npz" in holding_pictures(trained.path), "another run does hold some"


def test_cases_are_still_found_and_the_page_says_why_they_are_not_shown(
    run, tiny_registry, picture
):
    kept = run_folder.load_reference(run)
    assert kept.thumbnails == ()
    assert len(kept.names) == len(kept.embeddings) > 0
    (case,) = explain.explain(
        [picture("a.png")], run, methods=["examples"], registry=tiny_registry, trust=False
    )
    (found,) = case.examples
    assert found.groups
    assert all(c.regions is None for group in found.groups for c in group.cases)
    page = case_page([case])
    assert "trained with --reference none" in page
    assert kept.names[found.groups[0].cases[0].index] in page


def test_held_out_cases_are_kept_for_credibility(trained, tiny_registry, picture):
    kept = run_folder.load_reference(trained)
    assert kept.held_embeddings.shape == (len(kept.held_labels), kept.embeddings.shape[1])
    assert np.isfinite(kept.held_embeddings).all()
    (case,) = explain.explain(
        [picture("a.png")], trained, methods=["examples"], registry=tiny_registry, trust=False
    )
    assert 0 <= case.examples[0].credibility <= 1


def test_the_command_knows_only_pictures_and_none():
    told = CliRunner().invoke(main, ["train", "--reference", "some"])
    assert told.exit_code == 2
    assert "'pictures', 'none'" in told.output
