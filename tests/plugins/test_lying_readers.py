"""Readers whose data sets are not what they say: refused in one sentence that names the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from zoo import BadInput, Dataset, Header, Registry, Sample, ZooError, hookimpl, load_registry
from zoo.base.progress import SILENT
from zoo.cli import main
from zoo.data.verify import verify

SAMPLES = tuple(
    Sample(f"{label}/{number}.png", label, f"p{label}{number}", "train")
    for label in range(2)
    for number in range(3)
)
PIXELS = np.zeros((40, 30, 3), np.uint8)
DIGEST = "0123456789abcdef"


def read(_: Sample, size: tuple[int, int] | None) -> np.ndarray:
    return PIXELS if size is None else np.zeros((*size, 3), np.uint8)


HONEST = Dataset(
    source="mine",
    class_names=("NORMAL", "PNEUMONIA"),
    samples=SAMPLES,
    read=read,
    digest=lambda _: DIGEST,
    mask=lambda _, size: np.zeros(size or (40, 30), bool),
    header=lambda _: Header(30, 40, "L", 1200),
    attributes={"view": lambda _: "PA"},
    notes=("A note.",),
)


def giving(given: Callable[[], Any], name: str = "liar") -> Registry:
    """Install a reader that takes the location `mine`, and give what it gives there."""
    plugin = ModuleType(name)

    def zoo_read_dataset(location: str, options: dict[str, str]) -> Any:
        return given() if location == "mine" else None

    plugin.zoo_read_dataset = hookimpl(zoo_read_dataset)  # type: ignore[attr-defined]
    return load_registry(plugin)


def with_sample(**changes: Any) -> tuple[Sample, ...]:
    return (*SAMPLES[:-1], replace(SAMPLES[-1], **changes))


def test_an_honest_one_is_read_as_it_is() -> None:
    found = giving(lambda: HONEST).dataset("mine")
    assert (found.class_names, found.samples, found.notes) == (
        HONEST.class_names,
        SAMPLES,
        HONEST.notes,
    )
    sample = SAMPLES[0]
    assert found.mask is not None
    assert found.header is not None
    assert found.read(sample, None) is PIXELS
    assert found.read(sample, (8, 9)).shape == (8, 9, 3)
    assert found.mask(sample, (8, 9)).shape == (8, 9)
    assert found.digest(sample) == DIGEST
    assert found.header(sample) == Header(30, 40, "L", 1200)
    assert found.attributes["view"](sample) == "PA"
    assert found.path is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": None}, "source is None; expected text"),
        ({"class_names": ["A", "B"]}, "class_names is ['A', 'B']; expected a tuple"),
        ({"class_names": ("A", "A")}, "expected at least two names, each of them once"),
        ({"class_names": ("A",)}, "expected at least two names"),
        ({"class_names": ("A", " ")}, "each some text on one line"),
        ({"class_names": ("A", 1)}, "class_names is ('A', 1)"),
        ({"samples": list(SAMPLES)}, "samples is <class 'list'>; expected a tuple"),
        ({"samples": (*SAMPLES, "x.png")}, "a sample is 'x.png'; expected a Sample"),
        ({"samples": with_sample(name="0/0.png")}, "two samples have the name '0/0.png'"),
        ({"samples": with_sample(name="")}, "the name of a sample"),
        ({"samples": with_sample(label=2)}, "the label of '1/2.png' is 2; expected a whole number"),
        ({"samples": with_sample(label=-1)}, "is -1; expected a whole number from 0 to 1"),
        ({"samples": with_sample(label=1.0)}, "the label of '1/2.png' is 1.0"),
        ({"samples": with_sample(label=np.int64(1))}, "the label of '1/2.png' is"),
        ({"samples": with_sample(label="PNEUMONIA")}, "is 'PNEUMONIA'; expected a whole number"),
        ({"samples": with_sample(patient="")}, "the patient of a sample"),
        ({"samples": with_sample(patient=17)}, "the patient of a sample"),
        (
            {"samples": with_sample(split="testing")},
            "the split of '1/2.png' is 'testing'; expected 'test', as it seems",
        ),
        ({"samples": with_sample(split="Test")}, "is 'Test'; expected 'test'"),
        ({"samples": with_sample(split="val")}, "is 'val'; expected 'validation'"),
        ({"samples": with_sample(split="fold 1")}, "expected one of train, validation, test, or"),
        ({"samples": with_sample(split=None)}, "the split of '1/2.png' is None"),
        ({"read": None}, "read is None; expected a function"),
        ({"digest": DIGEST}, "expected a function"),
        ({"mask": PIXELS}, "mask is array"),
        ({"path": "folder"}, "path is 'folder'; expected a function"),
        ({"bits": 8}, "bits is 8; expected None, or 9 to 16"),
        ({"bits": "12"}, "bits is '12'"),
        ({"synthetic": "no"}, "synthetic is 'no'; expected True or False"),
        ({"notes": "A note."}, "notes is 'A note.'; expected a tuple"),
        ({"attributes": {"age": 17}}, "attributes is {'age': 17}; expected a mapping"),
        ({"attributes": None}, "attributes is None"),
        ({"subject": None}, "subject is None"),
        ({"patient_rule": 7}, "patient_rule is 7"),
    ],
)
def test_an_index_that_lies_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ZooError) as caught:
        giving(lambda: replace(HONEST, **changes)).dataset("mine")
    assert str(caught.value).startswith("The reader 'liar' is broken: it gave a data set")
    assert reason in str(caught.value)
    assert "Tell its author" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "asked", "reason"),
    [
        ({"read": lambda *_: PIXELS / 255}, ("read", None), "gave float64 (40, 30, 3); expected"),
        ({"read": lambda *_: PIXELS[..., 0]}, ("read", None), "gave uint8 (40, 30)"),
        ({"read": lambda *_: PIXELS}, ("read", (8, 9)), "expected uint8 (8, 9, 3)"),
        ({"read": lambda *_: PIXELS[:0]}, ("read", None), "gave uint8 (0, 30, 3)"),
        ({"read": lambda *_: None}, ("read", None), "gave None; expected uint8"),
        ({"read": lambda s, _: {}[s.name]}, ("read", None), "raised KeyError"),
        ({"digest": lambda _: 17}, ("digest",), "gave 17; expected 16 hexadecimal digits"),
        ({"digest": lambda _: "unknown"}, ("digest",), "gave 'unknown'"),
        ({"mask": lambda *_: PIXELS[..., 0]}, ("mask", None), "gave uint8 (40, 30); expected bool"),
        ({"mask": lambda *_: PIXELS[..., 0] > 0}, ("mask", (8, 9)), "expected bool (8, 9)"),
        ({"header": lambda _: (30, 40)}, ("header",), "gave (30, 40); expected a Header"),
        ({"header": lambda _: Header(0, 4, "L", 9)}, ("header",), "expected a Header"),
        ({"path": lambda s: s.name}, ("path",), "gave '0/0.png'; expected a Path"),
        ({"attributes": {"age": lambda _: 17}}, ("age",), "gave 17; expected text"),
    ],
)
def test_what_its_functions_give_is_refused_when_they_give_it(
    changes: dict[str, Any], asked: tuple[Any, ...], reason: str
) -> None:
    found = giving(lambda: replace(HONEST, **changes)).dataset("mine")
    name, *size = asked
    function = found.attributes[name] if name == "age" else getattr(found, name)
    with pytest.raises(ZooError) as caught:
        function(SAMPLES[0], *size)
    assert str(caught.value).startswith("The reader 'liar' is broken: ")
    assert " of '0/0.png' " in str(caught.value)
    assert reason in str(caught.value)


def test_an_image_that_it_says_is_broken_can_be_skipped_and_its_own_mistake_cannot() -> None:
    def damaged(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        if sample.name == "0/0.png":
            raise BadInput("'0/0.png' is cut short.")
        return read(sample, size)

    def mistaken(sample: Sample, _: tuple[int, int] | None) -> np.ndarray:
        raise FileNotFoundError(sample.name)

    found = giving(lambda: replace(HONEST, read=damaged)).dataset("mine")
    kept = verify(found, skip_broken=True, progress=SILENT)
    assert kept.broken == ("'0/0.png' is cut short.",)
    found = giving(lambda: replace(HONEST, read=mistaken)).dataset("mine")
    with pytest.raises(ZooError, match=r"'liar' is broken: .*FileNotFoundError.*expected BadInput"):
        verify(found, skip_broken=True, progress=SILENT)


@pytest.mark.parametrize("raised", [KeyError("root"), SystemExit(3)])
def test_one_that_fails_is_passed_over_and_named(
    raised: BaseException, class_folders: Path
) -> None:
    def zoo_read_dataset(location: str, options: dict[str, str]) -> Any:
        raise raised

    plugin = ModuleType("failing")
    plugin.zoo_read_dataset = hookimpl(zoo_read_dataset, tryfirst=True)  # type: ignore[attr-defined]
    found = load_registry(plugin)
    opened = found.dataset(str(class_folders))
    assert opened.class_names == ("NORMAL", "PNEUMONIA")
    assert "The reader 'failing' is broken: it raised" in opened.notes[0]
    with pytest.raises(ZooError, match=r"'/nowhere' was read by none\. The reader 'failing'"):
        found.dataset("/nowhere")


def test_what_a_stranger_refuses_is_said_in_its_name() -> None:
    def refuse() -> None:
        raise BadInput("The list has no column 'view'.")

    with pytest.raises(BadInput, match=r"no column 'view'\. \(Said by the reader 'liar'\.\)"):
        giving(refuse).dataset("mine")


def test_a_location_of_the_project_stays_its_own() -> None:
    plugin = ModuleType("greedy")
    plugin.zoo_read_dataset = hookimpl(lambda location, options: HONEST)  # type: ignore[attr-defined]
    found = load_registry(plugin)
    assert found.dataset("phantom?images=20").synthetic
    assert found.dataset("anything").samples == SAMPLES


def test_the_command_says_it_in_one_sentence(install: Callable[[str, str], Path]) -> None:
    source = """
from zoo import Dataset, Sample, hookimpl

@hookimpl
def zoo_read_dataset(location, options):
    if location == "mine":
        samples = tuple(Sample(str(n), n % 2, str(n), "testing") for n in range(40))
        return Dataset(source="mine", class_names=("A", "B"), samples=samples,
                       read=lambda *_: None, digest=lambda _: "0" * 16)
"""
    install("lying_reader", source)
    result = CliRunner().invoke(main, ["check", "mine"])
    assert result.exit_code == 2
    assert "The reader 'lying_reader:lying_reader' is broken" in result.output
    assert "the split of '0' is 'testing'; expected 'test'" in result.output
    assert "Traceback" not in result.output
