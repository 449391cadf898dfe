from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from zoo import (
    Architecture,
    BadInput,
    Dataset,
    Explainer,
    UnknownName,
    ZooError,
    __version__,
    hookimpl,
)
from zoo.base import registry
from zoo.cli import main

Install = Callable[[str, str], Path]

GOOD = """
from zoo.base.hooks import hookimpl
from zoo.base.types import Architecture

@hookimpl
def zoo_architectures():
    return [Architecture(name="{name}", summary="A net.", build=lambda shape, classes: None,
                         parameters=1)]
"""


def architecture(name: str) -> Architecture:
    return Architecture(name=name, summary="", build=lambda *_: None, parameters=0)


def plugin(name: str, **hooks: Callable[..., object]) -> ModuleType:
    module = ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return module


def reasons(found: registry.Registry) -> dict[str, str]:
    return {broken.name: broken.reason for broken in found.broken}


def test_installed_plugins_are_all_whole() -> None:
    found = registry.load_registry()
    assert found.broken == ()
    assert {"alexnet", "mnist", "scratch", "efficientnet"} <= found.architectures.keys()
    assert {"gradcam", "shap", "examples"} <= found.explainers.keys()
    assert found.origins["alexnet"] == "xray-zoo:alexnet"
    assert found.explainer("gradcam").origin == f"xray-zoo:gradcam {__version__}"
    assert all(isinstance(a, Architecture) for a in found.architectures.values())
    assert all(isinstance(e, Explainer) for e in found.explainers.values())


def test_another_package_joins_by_its_entry_point(install: Install) -> None:
    install("joining_net", GOOD.format(name="joined"))
    found = registry.load_registry()
    assert found.broken == ()
    assert found.origins["joined"] == "joining_net:joining_net"
    assert found.architecture("joined").origin == "joining_net:joining_net 1.0"
    assert found.architecture("joined").summary == "A net."


def test_listings_cannot_be_changed_by_a_plugin() -> None:
    with pytest.raises(TypeError):
        registry.load_registry().architectures["mine"] = architecture("mine")  # type: ignore[index]


def test_misspelt_hook_is_broken_and_others_stand(install: Install) -> None:
    install("misspelt_net", GOOD.format(name="lost").replace("zoo_arch", "zoo_arhc"))
    install("sound_net", GOOD.format(name="sound"))
    found = registry.load_registry()
    (reason,) = reasons(found).values()
    assert "zoo_arhcitectures" in reason
    assert {"sound", "alexnet"} <= found.architectures.keys()
    assert "lost" not in found.architectures


def test_hook_with_unknown_arguments_is_broken() -> None:
    def zoo_architectures(colour: str) -> list[Architecture]:
        return [architecture(colour)]

    found = registry.load_registry(
        plugin("coloured", zoo_architectures=zoo_architectures),
        plugin("plain", zoo_architectures=lambda: [architecture("plain")]),
    )
    assert "colour" in reasons(found)["coloured"]
    assert "plain" in found.architectures


def test_a_plugin_with_one_misspelt_hook_gives_nothing() -> None:
    def zoo_explaners() -> list[Explainer]:
        return []

    half = plugin(
        "half", zoo_architectures=lambda: [architecture("half")], zoo_explaners=zoo_explaners
    )
    found = registry.load_registry(half)
    assert "half" in reasons(found)
    assert "half" not in found.architectures


def test_a_plugin_that_cannot_be_imported_is_broken(install: Install) -> None:
    install("failing_net", "raise RuntimeError('no licence')")
    install("absent_net", "import a_package_that_is_not_there")
    found = registry.load_registry()
    told = reasons(found)
    assert "RuntimeError: no licence" in told["failing_net:failing_net"]
    assert "a_package_that_is_not_there" in told["absent_net:absent_net"]
    assert "alexnet" in found.architectures


def test_a_plugin_that_fails_when_asked_is_broken() -> None:
    def zoo_explainers() -> list[Explainer]:
        raise KeyError("weights")

    found = registry.load_registry(
        plugin("failing", zoo_explainers=zoo_explainers),
        plugin("empty", zoo_architectures=lambda: None),
    )
    assert "KeyError" in reasons(found)["failing"]
    assert "TypeError" in reasons(found)["empty"]
    assert "gradcam" in found.explainers


def test_a_taken_name_is_refused_and_the_owner_named() -> None:
    found = registry.load_registry(
        plugin("second", zoo_architectures=lambda: [architecture("alexnet"), architecture("own")])
    )
    assert len(found.broken) == 1
    assert "alexnet" in found.broken[0].reason
    assert "own" in found.architectures


def test_what_is_not_an_architecture_is_refused() -> None:
    found = registry.load_registry(
        plugin("odd", zoo_architectures=lambda: ["resnet", architecture("whole")])
    )
    assert reasons(found)["odd"] == "gives str; expected Architecture"
    assert "whole" in found.architectures


def test_a_plugin_registered_twice_counts_once() -> None:
    once = plugin("once", zoo_architectures=lambda: [architecture("once")])
    found = registry.load_registry(once, once)
    assert reasons(found) == {"once": "is declared twice"}
    assert "once" in found.architectures


def test_unknown_names_get_the_closest_one() -> None:
    found = registry.load_registry()
    with pytest.raises(UnknownName, match="Did you mean 'alexnet'"):
        found.architecture("alexnot")
    with pytest.raises(UnknownName, match="Did you mean 'gradcam'"):
        found.explainer("gradcan")
    with pytest.raises(UnknownName, match=r"Known: .*alexnet"):
        found.architecture("zzz")


def test_asking_for_a_broken_plugin_tells_its_reason(install: Install) -> None:
    install("licensed_net", "raise RuntimeError('no licence')")
    with pytest.raises(ZooError, match="no licence"):
        registry.load_registry().architecture("licensed_net")


def test_a_location_that_nobody_reads() -> None:
    with pytest.raises(BadInput, match=r"'/nowhere' is not .* 'phantom'"):
        registry.load_registry().dataset("/nowhere")


def test_readers_are_asked_in_the_order_of_registration() -> None:
    def answering(source: str) -> Callable[[str, dict[str, str]], Dataset | None]:
        def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
            if location != "mine":
                return None
            return Dataset(
                source=f"{source} {options}",
                class_names=("a", "b"),
                samples=(),
                read=lambda *_: None,  # type: ignore[arg-type]
                digest=lambda _: "",
            )

        return zoo_read_dataset

    found = registry.load_registry(
        plugin("first", zoo_read_dataset=answering("first")),
        plugin("second", zoo_read_dataset=answering("second")),
    )
    assert found.dataset("mine?a=1").source == "first {'a': '1'}"
    assert found.dataset("phantom?images=10").synthetic


def test_list_names_broken_plugins_and_lists_the_rest(install: Install) -> None:
    install("listed_as_broken", "raise RuntimeError('no licence')")
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == 0
    assert "no licence" in result.stdout
    assert "alexnet" in result.stdout


def test_a_name_may_have_a_prefix_and_no_folder_is_that_of_two() -> None:
    def given() -> list[Architecture]:
        return [architecture("mine:small"), architecture("mine-small"), architecture("mine:large")]

    found = registry.load_registry(plugin("mine", zoo_architectures=given))
    assert {"mine:small", "mine:large"} <= found.architectures.keys()
    assert found.origins["mine:small"] == "mine"
    (broken,) = found.broken
    assert broken.gives == "mine-small"
    assert "'mine' gives already" in broken.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("set.zip", "Unpack the archive, and name the folder"),
        ("labels.XLSX", r"Save the table as a \.csv file"),
        ("none.xlsx", "There is no such file or folder"),
        ("films.dat", r"can be read\. Expected an existing folder"),
    ],
)
def test_what_nearly_is_a_data_set(tmp_path: Path, name: str, words: str) -> None:
    if not name.startswith("none"):
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match=words):
        registry.load_registry().dataset(str(tmp_path / name))
