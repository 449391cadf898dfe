"""Model files that were made to do harm: each is refused in one sentence, and does nothing."""

from __future__ import annotations

import io
import json
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo import DamagedRun
from zoo.network import keras_files
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MODULE = "imported_by_a_model_file"


class Harm:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> Any:
        return (open, (self.marker, "w"))


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a right model file is made of."""
    import keras
    from keras import layers

    pixels = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(pixels)))
    folder = tmp_path_factory.mktemp("model")
    model_file.save_model(folder, keras.Model(pixels, layers.Dense(2)(x)))
    with zipfile.ZipFile(folder / run_folder.MODEL) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """A file that nothing may make, and its folder, in which only the model may be afterwards."""
    path = tmp_path / "harm"
    yield path
    assert not path.exists()
    assert [found.name for found in tmp_path.iterdir() if found.name != "site"] == ["run"]


@pytest.fixture
def run(tmp_path: Path, members: dict[str, bytes]) -> Callable[[dict[str, bytes]], Run]:
    """Write a run whose model file has some members changed."""

    def written(changed: dict[str, bytes]) -> Run:
        (tmp_path / "run").mkdir()
        with zipfile.ZipFile(
            tmp_path / "run" / run_folder.MODEL, "w", zipfile.ZIP_DEFLATED
        ) as archive:
            for name, content in {**members, **changed}.items():
                archive.writestr(name, content)
        record = {
            "architecture": "net",
            "options": {},
            "input_shape": [8, 8, 3],
            "class_names": ["a", "b"],
            "positive": 1,
            "calibration": {"temperature": 1.0},
        }
        return Run(tmp_path / "run", record)

    return written


def refused(run: Run, match: str = "cannot be loaded") -> None:
    with pytest.raises(DamagedRun, match=match) as told:
        model_file.load_classifier(run)
    assert str(run.path / run_folder.MODEL) in str(told.value)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000


def changed(config: bytes, change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    """Change the first convolution of a configuration."""
    content = json.loads(config)
    change(next(x for x in content["config"]["layers"] if x["class_name"] == "Conv2D"))
    return {CONFIG: json.dumps(content).encode()}


def test_what_was_not_changed_is_loaded(run: Any, marker: Path) -> None:
    assert model_file.load_classifier(run({})).class_names == ("a", "b")


@pytest.mark.parametrize(
    "foreign",
    [
        {"module": "os", "class_name": "system", "registered_name": "system"},
        {"module": "builtins", "class_name": "eval", "registered_name": "eval"},
        {"module": "keras.utils", "class_name": "get_file", "registered_name": None},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "registered_name": None},
        {"module": "keras.config", "class_name": "enable_unsafe_deserialization"},
        {"module": MODULE, "class_name": "Layer", "registered_name": f"{MODULE}>Layer"},
        {"module": None, "class_name": "Layer", "registered_name": f"{MODULE}>Layer"},
    ],
    ids=lambda foreign: f"{foreign['module']}.{foreign['class_name']}",
)
def test_code_from_elsewhere_is_not_called(
    foreign: dict[str, Any],
    run: Any,
    marker: Path,
    members: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = marker.parent / "site"
    site.mkdir()
    (site / f"{MODULE}.py").write_text(f"open({str(marker)!r}, 'w').close()\nclass Layer: pass\n")
    monkeypatch.syspath_prepend(str(site))
    command = {"command": f"touch {marker}", "name": "x"}
    refused(run(changed(members[CONFIG], lambda layer: layer.update(foreign, config=command))))
    assert MODULE not in sys.modules


@pytest.mark.parametrize("place", ["activation", "kernel_initializer", "bias_constraint"])
def test_a_lambda_in_any_place_is_not_called(
    place: str, run: Any, marker: Path, members: dict[str, bytes]
) -> None:
    harm = {
        "class_name": "__lambda__",
        "config": {"value": pickle.dumps(Harm(marker)).hex()},
    }
    refused(run(changed(members[CONFIG], lambda layer: layer["config"].update({place: harm}))))


@pytest.mark.parametrize("name", ["../harm", "assets/../../harm", "/harm", "..\\\\harm"])
def test_names_that_lead_out_of_the_archive_are_refused(name: str, run: Any, marker: Path) -> None:
    refused(run({name: b"x"}), r"not a \.keras model file")


@pytest.mark.parametrize("nested", [b"[" * 200_000, b'{"config":' * 200_000])
def test_deep_nesting_is_told(nested: bytes, run: Any, marker: Path) -> None:
    refused(run({CONFIG: nested}), r"not a \.keras model file")


def test_a_configuration_that_unpacks_without_end_is_not_unpacked(
    run: Any, marker: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_files, "LARGEST", 1_000_000)
    refused(run({CONFIG: members[CONFIG] + b" " * 1_000_000}), r"not a \.keras model file")


def test_a_configuration_that_understates_its_size_is_told(run: Any, marker: Path) -> None:
    given = run({CONFIG: b" " * 5_000_000})
    path = given.path / run_folder.MODEL
    size = (5_000_000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (500).to_bytes(4, "little")))
    refused(given, r"not a \.keras model file")


def weights_of(members: dict[str, bytes], change: Callable[[h5py.Group], None]) -> bytes:
    """Change the group that holds the weights of the convolution."""
    buffer = io.BytesIO(members[WEIGHTS])
    with h5py.File(buffer, "a") as file:
        change(file["layers/conv2d/vars"])
    return buffer.getvalue()


def link_elsewhere(marker: Path) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        del group["0"]
        group["0"] = h5py.ExternalLink(str(marker), "/secret")

    return change


def store_elsewhere(marker: Path) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        shape = group["0"].shape
        del group["0"]
        group.create_dataset("0", shape, "f4", external=[(str(marker), 0, h5py.h5f.UNLIMITED)])

    return change


def claim_much(_: Path) -> Callable[[h5py.Group], None]:
    def change(group: h5py.Group) -> None:
        del group["0"]
        group.create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")

    return change


@pytest.mark.parametrize("harm", [link_elsewhere, store_elsewhere, claim_much])
def test_weights_from_elsewhere_or_without_end_are_refused(
    harm: Any, run: Any, marker: Path, members: dict[str, bytes]
) -> None:
    refused(run({WEIGHTS: weights_of(members, harm(marker))}))


@pytest.mark.parametrize("name", ["logits", "names"])
def test_pickles_in_arrays_are_not_read(tmp_path: Path, name: str) -> None:
    marker, path = tmp_path / "harm", tmp_path / run_folder.VALIDATION
    arrays: dict[str, Any] = {
        "logits": np.zeros((2, 2), np.float32),
        "labels": np.arange(2),
        "patients": np.array(["a", "b"]),
        "names": np.array(["a", "b"]),
    }
    arrays[name] = np.array([Harm(marker), Harm(marker)], object)
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(DamagedRun, match=run_folder.VALIDATION):
        labelled_logits.load(path)
    assert not marker.exists()


def test_arrays_that_claim_more_than_there_is_are_damaged(tmp_path: Path) -> None:
    path, buffer = tmp_path / run_folder.VALIDATION, io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f4", "fortran_order": False, "shape": (2**44, 2)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("logits", "labels", "patients", "names"):
            archive.writestr(f"{name}.npy", buffer.getvalue())
    with pytest.raises(DamagedRun, match=run_folder.VALIDATION):
        labelled_logits.load(path)
