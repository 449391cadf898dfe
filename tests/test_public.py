"""The names that `import zoo` gives: what they are, what they cost, and where they are told."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parents[1]
NAMES = sorted(set(zoo.__all__) - {"DISCLAIMER", "__version__"})
COMMANDS = re.findall(r"^    (\w+)\(", str(zoo.__doc__), re.MULTILINE)
STRANGER = '''
"""A package that knows the public names alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import {names}

def build(input_shape: tuple[int, int, int], num_classes: int, width: int = 8) -> Any:
    raise MissingWeights("There are none.")

def read(content: bytes, name: str) -> Any:
    if not content:
        raise BadInput(f"'{{name}}' is empty.")
    return read_image(content, name=name)

FORMAT = ImageFormat(
    name="plain", summary="", extensions=(".plain",), recognises=lambda head: head[:2] == b"PL",
    read=read, header=lambda content, name: Header(1, 1, "L", len(content)),
)

@hookimpl
def zoo_architectures() -> list[Architecture]:
    return [
        Architecture(
            name="stranger", summary="", build=build, parameters=1,
            options={{"width": Option(8, "filters")}}, recipe={{"epochs": 2}},
        )
    ]

@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    check_options("studies", options, ("root",))
    rule, patients, note = assign_patients([location])
    sample = Sample(location, 0, patients[0], TRAIN)
    return Dataset(
        source=location, class_names=("A", "B"), samples=(sample,), patient_rule=rule,
        read=lambda sample, size: read_image(Path(sample.name), size=size),
        digest=lambda sample: digest_bytes(sample.name.encode()), notes=(note,),
    )

def explain(
    classifier: Classifier, images: Images, targets: Sequence[int], reference: Reference | None
) -> list[Explanation]:
    passed: Gradients = classifier.gradients(images.pixels, targets, by_pixels=True)
    if passed.by_pixels is None:
        raise InvalidSetting("No gradients.")
    maps = [Attribution("plain", target, passed.by_pixels[0, :, :, 0]) for target in targets]
    cases = Group("similar", "Similar", "distance", (Neighbour(0, 0.5),))
    return [*maps, Examples("plain", targets[0], (cases,), agreement=1.0)]

@hookimpl
def zoo_explainers() -> list[Explainer]:
    return [Explainer(name="plain", summary="", explain=explain)]

def use(path: str) -> list[str]:
    registry: Registry = load_registry()
    run: Run = train("stranger", path, registry=registry)
    try:
        predictions = list(predict([path], open_run(run.name)))
    except ZooError as error:
        return [str(error), DISCLAIMER, VALIDATION, TEST]
    cases = [case for case in zoo_explain([path], run) if isinstance(case, Case)]
    labels = [given.label for given in predictions if isinstance(given, Prediction)]
    return labels + [case.name for case in cases]
'''


def test_every_public_name_can_be_had() -> None:
    for name in NAMES:
        assert getattr(zoo, name) is not None
    assert {"train", "evaluate", "explain", "watch"} <= set(COMMANDS) <= set(NAMES)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_public_function_is_described_where_it_is_imported(name: str) -> None:
    function = getattr(zoo, name)
    assert inspect.isfunction(function)
    assert function.__name__ == name
    assert function.__doc__


@pytest.mark.parametrize("name", COMMANDS)
def test_long_work_is_shown_without_asking(name: str) -> None:
    parameter = inspect.signature(getattr(zoo, name)).parameters.get("progress")
    assert parameter is None or parameter.default is None


def test_no_folder_hides_a_public_name() -> None:
    folders = {path.stem for path in Path(zoo.__file__).parent.iterdir()}
    assert not folders & set(NAMES)


@pytest.mark.parametrize(
    "name", ["check", "compare", "diagnose", "ensemble", "learning_curve", "stress", "train"]
)
def test_the_readme_shows_it_from_python(name: str) -> None:
    assert f"zoo.{name}(" in (ROOT / "README.md").read_text("utf-8")


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == zoo.__version__
    cited = re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited == [zoo.__version__]


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="No zoo attribute nothing"):
        _ = zoo.nothing


def test_the_vocabulary_of_a_plugin_costs_neither_numpy_nor_keras() -> None:
    light = "Architecture, Option, Dataset, Explainer, Attribution, ImageFormat, hookimpl, ZooError"
    code = (
        f"import sys; from zoo import {light}; from zoo import load_registry;"
        "heavy = {'numpy', 'tensorflow', 'keras', 'matplotlib', 'PIL'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def test_listing_what_there_is_costs_neither_numpy_nor_keras() -> None:
    code = (
        "import sys, zoo.cli; zoo.cli.main(['list'], standalone_mode=False);"
        "heavy = {'numpy', 'tensorflow', 'keras', 'matplotlib', 'PIL'} & set(sys.modules);"
        "import zoo.cli.runs;"
        "heavy |= {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_strangers_package_type_checks_with_the_public_names_alone(tmp_path: Path) -> None:
    used = [name for name in NAMES if re.search(rf"\b{name}\b", STRANGER) and name != "explain"]
    used += ["DISCLAIMER", "explain as zoo_explain"]
    module = tmp_path / "stranger.py"
    module.write_text(STRANGER.format(names=", ".join(used)))
    checked = _mypy(module)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    module.write_text(module.read_text().replace("parameters=1,", 'parameters="1",'))
    checked = _mypy(module)
    assert 'incompatible type "str"; expected "int"' in checked.stdout, checked.stdout


def _mypy(module: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", module.name],
        capture_output=True,
        text=True,
        cwd=module.parent,
        check=False,
    )


def test_what_reads_a_file_takes_its_path_as_text(picture: Callable[..., Path]) -> None:
    path = picture("one.png")
    for reads in (zoo.read_header, zoo.digest_file, zoo.is_image_name):
        assert reads(str(path)) == reads(path)
    assert (zoo.read_image(str(path)) == zoo.read_image(path)).all()
    with pytest.raises(zoo.BadInput, match=re.escape(f"'{path}x'")):
        zoo.read_image(f"{path}x")
