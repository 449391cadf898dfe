"""A build that fails in any way is one sentence that names the architecture and its plugin."""

from __future__ import annotations

import pytest

from zoo import Architecture, InvalidSetting, MissingWeights
from zoo.network.building import build_network


def failing(error):
    def build(input_shape, num_classes):
        raise error

    return Architecture(
        name="mine", summary="", build=build, parameters=1, origin="their-net:mine 1.2"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("width"), "KeyError: 'width'"),
        (RuntimeError(""), "RuntimeError: no message"),
        (SystemExit(3), "SystemExit: 3"),
        (ImportError("No module named 'their_blocks'"), "ImportError: No module named"),
        (ValueError("too small.\nA second line"), "ValueError: too small. Choose another"),
    ],
)
def test_any_failure_names_the_architecture_its_plugin_and_the_kind(error, told):
    with pytest.raises(InvalidSetting) as caught:
        build_network(failing(error))
    message = str(caught.value)
    assert "'mine' of their-net:mine 1.2 cannot be built for input (180, 180, 3)" in message
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("error", "kind"),
    [(MissingWeights("get them"), MissingWeights), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_what_says_enough_or_stops_the_program_is_left_alone(error, kind):
    with pytest.raises(kind) as caught:
        build_network(failing(error))
    assert caught.value is error


@pytest.mark.parametrize("given", [None, "a network", lambda pixels: pixels])
def test_what_is_no_model_is_refused(given):
    architecture = Architecture(name="mine", summary="", build=lambda *_: given, parameters=1)
    with pytest.raises(InvalidSetting, match="'mine' builds a"):
        build_network(architecture)
