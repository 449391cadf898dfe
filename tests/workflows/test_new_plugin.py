"""A package that `zoo new-plugin` writes works as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import InvalidSetting
from zoo.cli import main
from zoo.workflows.new_plugin import KINDS, new_plugin

NAMES = {kind: f"own-{kind}" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_whole_and_in_good_style(kind: str, tmp_path: Path) -> None:
    folder = new_plugin(NAMES[kind], kind, tmp_path / "package")
    module = NAMES[kind].replace("-", "_")
    expected = {"README.md", "pyproject.toml", f"{module}.py", f"test_{module}.py"}
    assert {path.name for path in folder.iterdir()} == expected
    assert not [path for path in folder.iterdir() if "$" in path.read_text("utf-8")]
    rules = "--select=A,B,C4,D,E,F,I,N,PIE,PT,RET,RUF,SIM,UP,W"
    checked = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=100", rules]
    ignored = ["--ignore=D203,D205,D213,D413", "--per-file-ignores=test_*:D"]
    done = subprocess.run(  # noqa: S603 (our own words)
        [*checked, *ignored, "."], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_names_that_would_not_work_are_refused(tmp_path: Path) -> None:
    for name, kind, told in (
        ("9nets", "architecture", "Begin the name with a letter"),
        ("class", "architecture", "no word of Python"),
        ("zoo", "reader", "one of that name is installed"),
        ("numpy", "architecture", "one of that name is installed"),
        ("gradcam", "explainer", "a plugin 'gradcam' already"),
        ("phantom", "reader", "a plugin 'phantom' already"),
        ("dicom", "image-format", "a plugin 'dicom' already"),
        ("a b", "reader", "letters, digits"),
        ("fine", "trainer", "no kind of plugin"),
    ):
        with pytest.raises(InvalidSetting, match=told):
            new_plugin(name, kind, tmp_path / "package")
    (tmp_path / "there").mkdir()
    with pytest.raises(InvalidSetting, match="there already"):
        new_plugin("fine", "reader", tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_the_commands_say_what_comes_next(tmp_path: Path) -> None:
    words = ["new-plugin", "own", "--kind", "reader", "--folder", str(tmp_path / "own")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "zoo plugin check own --example FILE" in result.stdout
    assert CliRunner().invoke(main, words).exit_code == 2


def test_plugin_check_tells_promises_and_ends_with_one_when_one_is_broken(tmp_path: Path) -> None:
    kept = CliRunner().invoke(main, ["plugin", "check", "saliency"])
    assert kept.exit_code == 0, kept.output
    assert "an image alone has the map that it has in a batch" in kept.stdout
    (tmp_path / "no.dcm").write_bytes(b"nothing")
    broken = CliRunner().invoke(
        main, ["plugin", "check", "dicom", "--example", str(tmp_path / "no.dcm")]
    )
    assert broken.exit_code == 1
    assert "FAILS" in broken.stdout
    assert CliRunner().invoke(main, ["plugin", "check", "dicom"]).exit_code == 2
    assert "gradcam" in CliRunner().invoke(main, ["plugin", "check", "gradcan"]).stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that sees the packages of this one; plugins are installed into it."""
    place = tmp_path_factory.mktemp("environment") / "own"
    made = [sys.executable, "-m", "venv", "--without-pip", place]
    subprocess.run(made, check=True)  # noqa: S603 (our own words)
    site = next(place.glob("lib/python*/site-packages"))
    packages = [path for path in sys.path if path.endswith("site-packages")]
    here = [*packages, str(Path(__file__).parents[2])]
    (site / "base.pth").write_text("\n".join(here) + "\n", "utf-8")
    return place


def run(environment: Path, *words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, "ZOO_RUNS": str(folder / "runs"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(  # noqa: S603 (our own words)
        [environment / "bin" / "python", "-m", *map(str, words)],
        cwd=folder,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )


def zoo(environment: Path, *words: object, folder: Path) -> str:
    done = run(environment, "zoo", *words, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def example(kind: str, name: str, folder: Path) -> list[Path]:
    """Write what a reader or a format reads; other kinds need nothing."""
    module, random = name.replace("-", "_"), np.random.default_rng(0)
    pixels = [random.integers(0, 256, (64, 64), np.uint8) for _ in range(80)]
    if kind == "reader":
        for number, one in enumerate(pixels):
            Image.fromarray(one).save(folder / f"{number}.png")
        lines = [
            f"{i}.png\t{('NORMAL', 'PNEUMONIA')[i % 2]}\tpatient-{i}" for i in range(len(pixels))
        ]
        (folder / f"set.{module}").write_text("\n".join(lines), "utf-8")
        return [folder / f"set.{module}"]
    if kind == "image-format":
        magic = (module.replace("_", "").upper() + "1111")[:4].encode()
        sides = (64).to_bytes(4, "little") * 2
        (folder / f"image.{module}").write_bytes(magic + sides + pixels[0].tobytes())
        return [folder / f"image.{module}"]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_installed_listed_checked_used_and_uninstalled(
    kind: str, environment: Path, tmp_path: Path
) -> None:
    name = NAMES[kind]
    zoo(environment, "new-plugin", name, "--kind", kind, folder=tmp_path)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "-q"]
    quiet = ["--no-deps", "--no-build-isolation"]
    install = [*pip, "install", *quiet, str(tmp_path / name)]
    subprocess.run(install, check=True)  # noqa: S603 (our own package)
    listed = zoo(environment, "list", "--json", folder=tmp_path)
    assert "readers" in listed
    assert name in listed
    files = example(kind, name, tmp_path)
    examples = [word for path in files for word in ("--example", path)]
    checked = zoo(environment, "plugin", "check", name, *examples, folder=tmp_path)
    assert "ok" in checked
    assert "FAILS" not in checked
    trained = name if kind == "architecture" else "mnist"
    data = files[0] if kind == "reader" else "phantom?images=60&size=64"
    small = ["--epochs", 1, "--input", 64, "--set", "frame=whole", "--allow-findings"]
    zoo(environment, "train", trained, "--data", data, *small, folder=tmp_path)
    zoo(environment, "sample", "images", "--count", 1, folder=tmp_path)
    image = files[0] if kind == "image-format" else "images"
    method = name if kind == "explainer" else "gradcam"
    zoo(environment, "explain", image, "--method", method, "--output", "out", folder=tmp_path)
    assert list((tmp_path / "out").glob("*.html"))
    zoo(environment, "export", "--format", "savedmodel", folder=tmp_path)
    subprocess.run([*pip, "uninstall", "-y", name], check=True)  # noqa: S603 (the same)
    assert name not in zoo(environment, "list", "--json", folder=tmp_path)
