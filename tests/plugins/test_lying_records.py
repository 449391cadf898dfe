"""Records that are not what they say: each is listed with its reason, and all else works."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo import Registry, ZooError, load_registry
from zoo.cli import main

Install = Callable[[str, str], Path]

TOP = """
from zoo import Architecture, Attribution, Explainer, Option, hookimpl


def build(input_shape, num_classes, **options):
    import keras


def explain(classifier, images, targets, reference=None, **options):
    return []

"""
ARCHITECTURE = (
    TOP
    + """
@hookimpl
def zoo_architectures():
    told = {{"name": "liar", "summary": "A net.", "build": build, "parameters": 10}}
    whole = dict(told, name="whole")
    return [Architecture(**dict(told, {change})), Architecture(**whole)]
"""
)
EXPLAINER = (
    TOP
    + """
@hookimpl
def zoo_explainers():
    told = {{"name": "liar", "summary": "A map.", "explain": explain}}
    whole = dict(told, name="whole")
    return [Explainer(**dict(told, {change})), Explainer(**whole)]
"""
)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import each stranger anew, though others had its name."""
    for name in ("lying_records", "a_first"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def reasons(found: Registry) -> dict[str, str]:
    return {broken.name: broken.reason for broken in found.broken}


LIES = [
    ("name='../up'", "name is '../up'; expected up to 60 letters, digits"),
    ("name='two words'", "name is 'two words'"),
    ("name='-rf'", "name is '-rf'"),
    ("name='a\\x1b[31m'", "name is 'a"),
    ("name=''", "name is ''"),
    ("name='a:b:c'", "name is 'a:b:c'"),
    ("name=':b'", "name is ':b'"),
    ("name='x' * 200", "name is 'xxx"),
    ("name=7", "name is 7"),
    ("summary=None", "summary is None; expected text on one line"),
    ("summary='a\\nb'", "expected text on one line"),
    ("reference=2015", "reference is 2015"),
    ("options=['width']", "options is ['width']; expected a mapping"),
    ("options={'width': 16}", "the option 'width' is 16; expected an Option"),
    ("options={'two words': Option(1, '')}", "name of an option is 'two words'"),
    ("options={'width': Option(None, '')}", "the default of the option 'width' is None"),
    ("options={'width': Option(float('nan'), '')}", "the default of the option 'width' is nan"),
    ("options={'mode': Option('c', '', ('a', 'b'))}", "is 'c'; expected one of a, b"),
    ("options={'mode': Option('a', '', 'ab')}", "choices of the option 'mode' is 'ab'"),
    ("options={'mode': Option('a', None)}", "help is None"),
]
ABOUT_ARCHITECTURES = [
    ("build='net.h5'", "build is 'net.h5'; expected a function"),
    ("build=lambda shape: None", "cannot be called with 2 arguments"),
    (
        "build=lambda a, b: None, options={'width': Option(1, '')}",
        "cannot be called with 2 arguments, width: TypeError",
    ),
    ("parameters=1.5", "parameters is 1.5; expected a whole number"),
    ("parameters=True", "parameters is True"),
    ("multiply_adds=-1", "multiply_adds is -1; expected a whole number"),
    ("offline='yes'", "offline is 'yes'; expected True or False"),
    ("pretrained=True", "pretrained is True"),
    ("input_shape=[64, 64, 3]", "input_shape is [64, 64, 3]; expected (height, width, channels)"),
    ("input_shape=(64, 64)", "input_shape is (64, 64)"),
    ("input_shape=(64, 64, 4)", "1 or 3 channels"),
    ("input_shape=(0, 64, 3)", "sides from 16 to 2048"),
    ("input_shape=(64.0, 64, 3)", "input_shape is (64.0, 64, 3)"),
    ("options={'epochs': Option(1, '')}", "the option 'epochs' has the name of a setting"),
    ("recipe={'epoch': 5}", "There is no setting 'epoch'. Did you mean 'epochs'?"),
    ("recipe={'epochs': '5'}", "epochs in the recipe is '5'; expected int"),
    ("recipe={'epochs': 0}", "epochs is 0; expected at least 1"),
    ("recipe={'monitor': 'f1'}", "monitor is 'f1'; expected one of"),
    ("recipe={'learning_rate': float('inf')}", "learning_rate in the recipe is inf"),
    ("recipe=None", "recipe is None; expected a mapping"),
    ("recipe={1: 2}", "There is no setting '1'"),
    ("presets={'fastest': {}}", "There is no preset 'fastest'"),
    ("presets={'fast': 5}", "preset 'fast' is 5; expected a mapping"),
    ("presets={'fast': {'input_shape': (9, 9, 3)}}", "input_shape is (9, 9, 3)"),
    ("presets={'best': {'widht': 3}}", "preset 'best': There is no setting 'widht'"),
    (
        "options={'mode': Option('a', '', ('a', 'b'))}, presets={'best': {'mode': 'c'}}",
        "mode is 'c'; expected one of: a, b",
    ),
]
ABOUT_METHODS = [
    ("explain=None", "explain is None; expected a function"),
    ("explain=lambda classifier, images: []", "cannot be called with 4 arguments"),
    ("default='yes'", "default is 'yes'; expected True or False"),
    ("feature_layer=1", "feature_layer is 1"),
    ("gradients='all'", "gradients is 'all'; expected 'features', 'pixels' or ''"),
    ("options={'images': Option(1, '')}", "the option 'images' has the name of"),
]


@pytest.mark.parametrize(
    ("source", "change", "reason"),
    [
        *((ARCHITECTURE, *lie) for lie in [*LIES, *ABOUT_ARCHITECTURES]),
        *((EXPLAINER, *lie) for lie in [*LIES, *ABOUT_METHODS]),
    ],
)
def test_a_record_that_lies_is_broken_and_the_next_one_is_used(
    install: Install, source: str, change: str, reason: str
) -> None:
    install("lying_records", source.format(change=change))
    found = load_registry()
    (told,) = reasons(found).values()
    assert reason in told
    assert told.isprintable()
    everything = {**found.architectures, **found.explainers}
    assert {"whole", "alexnet", "gradcam"} <= everything.keys()
    assert "liar" not in everything


def test_who_asks_for_it_is_told_why(install: Install) -> None:
    install("lying_records", ARCHITECTURE.format(change="recipe={'epoch': 5}"))
    with pytest.raises(ZooError, match=r"lying_records:lying_records.*'liar'.*'epochs'"):
        load_registry().architecture("liar")
    listed = json.loads(CliRunner().invoke(main, ["list", "--json"]).stdout)
    (broken,) = listed["broken"]
    assert broken["name"] == "lying_records:lying_records"
    assert "gives the Architecture 'liar', but recipe: There is no setting" in broken["reason"]


def test_of_several_that_are_broken_the_one_asked_for_is_told(install: Install) -> None:
    source = ARCHITECTURE.format(change="name='lying_records', parameters=-1")
    other = 'return [Architecture(**dict(told, name="a/b")), '
    install("lying_records", source.replace("return [", other))
    with pytest.raises(ZooError, match=r"'lying_records', but parameters is -1"):
        load_registry().architecture("lying_records")


def test_fields_that_fail_when_they_are_looked_at_break_only_themselves(install: Install) -> None:
    spiteful = (
        "class Spite:\n"
        "    def __repr__(self): raise RuntimeError('no')\n"
        "    def __eq__(self, other): raise RuntimeError('no')\n"
        "    __hash__ = None\n"
    )
    for number, change in enumerate(("name=Spite()", "options={'a': Spite()}", "recipe=Spite()")):
        install(f"spite_{number}", spiteful + ARCHITECTURE.format(change=change))
    found = load_registry()
    assert len(found.broken) == 5  # and 'whole' is given three times
    assert "whole" in found.architectures


@pytest.mark.parametrize("name", ["alexnet", "AlexNet"])
def test_a_name_of_the_project_stays_its_own(install: Install, name: str) -> None:
    source = ARCHITECTURE.format(change=f"name={name!r}")
    install("a_first", source.replace("@hookimpl", "@hookimpl(trylast=True)"))
    found = load_registry()
    assert found.origins["alexnet"] == "xray-zoo:alexnet"
    assert reasons(found) == {
        "a_first:a_first": f"gives '{name}', which 'xray-zoo:alexnet' gives already: rename it"
    }


def test_among_strangers_the_order_of_their_names_decides(install: Install) -> None:
    for package in ("z_later", "b_sooner"):
        install(package, ARCHITECTURE.format(change="name='shared'"))
    found = load_registry()
    assert found.origins["shared"] == "b_sooner:b_sooner"
    assert set(reasons(found)) == {"z_later:z_later"}
