"""The libraries that can compute a network's answers, and how each opens a converted one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.base.environment import cores
from zoo.base.errors import InvalidSetting, UnknownName
from zoo.network.engines.side_by_side import side_by_side
from zoo.network.export_formats import (
    FORMATS,
    INPUT,
    ExportedNetwork,
    ExportFormat,
    open_onnx,
)

if TYPE_CHECKING:
    import numpy as np

AUTO, KERAS = "auto", "keras"


@dataclass(frozen=True)
class Engine:
    """A library that answers with a network that was written in one of the export formats.

    `packages` are modules by the name of their distribution, `extra` is what installs them;
    `open(path)` opens what the format wrote. `tried` tells whether `auto` looks at it.
    """

    name: str
    form: ExportFormat
    packages: Mapping[str, str]
    extra: str
    open: Callable[[Path], ExportedNetwork]
    tried: bool = True

    @property
    def missing(self) -> list[str]:
        """Return the packages that are not installed."""
        return [name for name, module in self.packages.items() if find_spec(module) is None]

    def check_packages(self) -> None:
        """Refuse the engine when a package is missing.

        Raises:
            InvalidSetting: with the command that installs it.
        """
        if self.missing:
            raise InvalidSetting(
                f"The engine '{self.name}' needs {' and '.join(self.missing)}, not installed here. "
                f"Install with: pip install 'xray-zoo[{self.extra}]', or leave the engine out."
            )

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages."""
        return {name: version(name) for name in self.packages}


def named(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in ENGINES:
        raise UnknownName.among("engine", name, NAMES)
    return ENGINES[name]


def _open_onnx(path: Path) -> ExportedNetwork:
    return side_by_side(open_onnx(path, cores=1), cores())


def _open_openvino(path: Path) -> ExportedNetwork:
    import openvino

    return compiled(openvino.Core(), path, "f32")


def compiled(core: Any, path: Path, precision: str) -> ExportedNetwork:
    """Compile a written network for this processor, at `precision`: 'f32' or 'bf16'."""
    streams = cores()
    alone = {"NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams}  # a core each
    model = core.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision, **alone})
    places = {name: i for i, output in enumerate(model.outputs) for name in output.names}
    requests = threading.local()  # one answers one at a time

    def answers(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        if not hasattr(requests, "own"):
            requests.own = model.create_infer_request()
        given = requests.own.infer({INPUT: pixels}, share_outputs=False)
        return {name: given[place] for name, place in places.items()}

    return side_by_side(answers, streams)


ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine("onnx", FORMATS["onnx"], FORMATS["onnx"].packages, "export", _open_onnx),
        Engine(
            "openvino",
            FORMATS["onnx"],
            {"openvino": "openvino", "tf2onnx": "tf2onnx", "onnx": "onnx"},
            "openvino",
            _open_openvino,
        ),
        Engine(
            "litert",
            FORMATS["tflite"],
            FORMATS["tflite"].packages,
            "export",
            FORMATS["tflite"].open,
            tried=False,  # converting takes longest, and it is not faster than the others
        ),
    )
}
NAMES = (AUTO, KERAS, *ENGINES)
"""What `--engine` takes."""
