"""Files that do not say their depth get that of their data set, and a run keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput
from zoo.base.progress import SILENT
from zoo.base.registry import Registry, load_registry
from zoo.checks.depths import depths
from zoo.data.verify import Verified, at_depth, verify
from zoo.network.features import features
from zoo.runs import run_folder
from zoo.workflows import predict, train

RAMP = np.linspace(0, 1, 64)[None, :].repeat(64, axis=0)


def folder(root: Path, peaks: list[int], kind: type = np.uint16) -> Path:
    """Write ramps up to these values, alternately of two classes."""
    for number, peak in enumerate(peaks):
        path = root / "AB"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((RAMP * peak).astype(kind)).save(path)
    return root


def verified(root: Path, **options: bool) -> Verified:
    dataset = load_registry().dataset(str(root))
    return verify(dataset, skip_broken=options.get("skip_broken", False), progress=SILENT)


def means(data: Verified) -> list[float]:
    return [float(data.dataset.read(s, None).mean()) for s in data.dataset.samples]


def test_one_depth_holds_for_all_files(tmp_path: Path) -> None:
    data = verified(folder(tmp_path, [4_095, 4_096, 9_000, 3_900]))
    assert data.dataset.bits == 14
    shares = [peak / (2**14 - 1) for peak in (4_095, 9_000, 4_096, 3_900)]
    np.testing.assert_allclose(means(data), np.multiply(shares, 127), atol=1.5)


def test_twelve_bits_are_a_whole_ramp(tmp_path: Path) -> None:
    data = verified(folder(tmp_path, [4_095, 4_090, 3_000, 4_000]))
    assert data.dataset.bits == 12
    assert means(data)[0] == pytest.approx(127, abs=1)
    assert depths(data.levels, data.dataset.bits) == []


def test_ordinary_files_have_no_depth(tmp_path: Path) -> None:
    data = verified(folder(tmp_path, [255, 200], np.uint8))
    assert data.dataset.bits is None
    assert not data.levels


def test_a_set_that_mixes_depths_is_found(tmp_path: Path) -> None:
    data = verified(folder(tmp_path, [65_535, 65_000, 4_095, 60_000]))
    (found,) = depths(data.levels, data.dataset.bits)
    assert (found.level, found.kind, found.names) == ("warning", "mixed depths", ("A/2.png",))
    assert "12 bits 1, 16 bits 3" in found.message


def test_files_that_declare_different_depths_are_found(tmp_path: Path) -> None:
    root = folder(tmp_path, [4_095, 4_095])
    for name, least in (("A/x.tif", 1_023), ("B/y.tif", 4_095)):
        tags = {341: least}
        Image.fromarray((RAMP * least).astype(np.uint16)).save(root / name, tiffinfo=tags)
    data = verified(root)
    (found,) = depths(data.levels, data.dataset.bits)
    assert found.kind == "declared depths"
    np.testing.assert_allclose(means(data), 127, atol=1.5)


def test_what_no_depth_holds_is_broken(tmp_path: Path) -> None:
    root = folder(tmp_path, [255, 255, 255, 255], np.uint8)
    Image.fromarray((RAMP * 1e6).astype(np.float32)).save(root / "A" / "far.tif")
    with pytest.raises(BadInput, match="values up to 1e"):
        verified(root)
    assert len(verified(root, skip_broken=True).broken) == 1


def test_features_of_another_depth_are_other_features(tmp_path: Path) -> None:
    import keras

    pixels = keras.Input((8, 8, 3))
    backbone = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels))
    dataset = verified(folder(tmp_path, [4_095, 4_095])).dataset
    seen = [
        features(
            backbone, at_depth(dataset, bits), dataset.samples, ["one", "two"], progress=SILENT
        )
        for bits in (12, 16, 12)
    ]
    np.testing.assert_array_equal(seen[0], seen[2])
    assert seen[0].mean() > 10 * seen[1].mean()


@pytest.mark.slow
def test_a_run_keeps_the_depth_and_refuses_what_does_not_fit(
    tmp_path: Path, tiny_registry: Registry
) -> None:
    rng = np.random.default_rng(0)
    root = folder(tmp_path / "data", rng.integers(3_000, 4_095, 40).tolist())
    source = f"{root}?patients=none"
    run = train.train(
        "tiny", source, folder=tmp_path, registry=tiny_registry, changes={"epochs": 1}
    )
    assert run.record["data"]["bits"] == run.bits == 12
    strange = tmp_path / "strange.png"
    Image.fromarray((RAMP * 50_000).astype(np.uint16)).save(strange)
    with pytest.raises(BadInput, match="expected 12 bits"):
        list(predict.predict([strange], run))
    assert list(predict.predict([root / "A" / "0.png"], run))
    older = {**run.record, "data": {k: v for k, v in run.record["data"].items() if k != "bits"}}
    assert run_folder.Run(run.path, older).bits == 8
