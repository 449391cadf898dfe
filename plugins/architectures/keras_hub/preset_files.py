"""The folder of a preset, downloaded by KerasHub's own client or brought by hand, as plain data.

Nothing in it is run: of its JSON files numbers and words are taken, never a class by its name, and
Keras reads arrays alone of a `.weights.h5` file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.architectures.keras_hub.presets import Preset
from zoo import BadInput, MissingWeights

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONVERTER, PREPROCESSOR = "image_converter.json", "preprocessor.json"
"""Where the scaling of pixels stands: the second has all of the first in older folders."""
CACHE = "KAGGLEHUB_CACHE"
LARGEST_JSON, LARGEST_NUMBER, LONGEST = 2**20, 2**13, 128
"""Of a file of settings in bytes, of a number in it, and of a list or a word."""
UNNEEDED = ("name", "trainable", "dtype", "data_format", "image_shape", "input_shape")
"""Settings that are chosen here."""


@dataclass(frozen=True, eq=False)
class PresetFiles:
    """What a preset's folder says: its settings, and how pixels from 0 to 255 are scaled."""

    folder: Path
    settings: Mapping[str, Any]
    image_shape: tuple[int, int, int] | None
    """Of a network whose weights belong to one size."""
    factors: tuple[float, ...]
    offsets: tuple[float, ...]
    """Of red, green and blue: a pixel is multiplied by the first, and the second is added."""

    @property
    def weights(self) -> Path:
        """Return the file of weights."""
        return self.folder / WEIGHTS


def cached(preset: Preset) -> bool:
    """Tell whether a preset has been downloaded to this machine; KerasHub stays unloaded."""
    model, _, version = _cache(preset).as_posix().rpartition("/")
    marked = Path(model) / ".complete" / version
    return all((marked / f"{name}.complete").is_file() for name in (CONFIG, WEIGHTS))


def downloaded(preset: Preset) -> Path:
    """Return the folder of a preset, and download what is not there yet.

    Raises:
        MissingWeights: it is neither on this machine nor can be downloaded.
    """
    try:
        import kagglehub

        folder = Path(kagglehub.model_download(preset.handle, CONFIG)).parent
        kagglehub.model_download(preset.handle, WEIGHTS)
        _download_scaling(kagglehub, preset.handle)
    except Exception as error:  # no internet, a refusal, a full disk, a client that does not fit
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingWeights(
            f"The weights of hub:{preset.name} are not on this machine and could not be downloaded "
            f"({told[:200]}). Download {CONFIG}, {WEIGHTS} and {CONVERTER} by hand from "
            f"kaggle.com/models/{preset.handle} into a folder and name it: --set weights=FOLDER. "
            "Or use efficientnet, whose weights are installed with zoo, or begin with random ones: "
            "--set weights=none."
        ) from error
    return folder


def read(folder: Path, preset: Preset) -> PresetFiles:
    """Read what a preset's folder says of the network and of its pixels.

    Raises:
        BadInput: it is no such folder, it is of another kind of network, or what it says is not
            plain.
    """
    if not folder.is_dir() or not (folder / WEIGHTS).is_file():
        raise BadInput(
            f"'{folder}' is not the folder of a preset of KerasHub: expected {CONFIG}, {WEIGHTS} "
            f"and {CONVERTER} in it. Check weights=FOLDER."
        )
    config = _json(folder / CONFIG)
    wanted, kind = preset.family.backbone, config.get("class_name")
    if kind != wanted:
        raise BadInput(
            f"'{folder}' is a preset of {kind or 'nothing that is named'}, and hub:{preset.name} "
            f"is one of {wanted}. Name another folder, or an architecture of that kind."
        )
    settings = _plain_mapping(config.get("config"), folder / CONFIG)
    factors, offsets = _scaling(folder)
    return PresetFiles(
        folder=folder,
        settings={name: value for name, value in settings.items() if name not in UNNEEDED},
        image_shape=_image_shape(settings.get("image_shape"), folder),
        factors=factors,
        offsets=offsets,
    )


def _cache(preset: Preset) -> Path:
    home = os.environ.get(CACHE)
    return Path(home or Path.home() / ".cache" / "kagglehub") / "models" / preset.handle


def _download_scaling(kagglehub: Any, handle: str) -> None:
    try:
        kagglehub.model_download(handle, CONVERTER)
    except Exception:  # its client has a kind of error for each reason
        kagglehub.model_download(handle, PREPROCESSOR)


def _json(path: Path) -> dict[str, Any]:
    """Return what a file of settings says; raises BadInput."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError("it is too large for settings")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("it is no object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadInput(
            f"'{path}' cannot be read as settings of a preset ({error}). Download it again."
        ) from error
    return content


def _scaling(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return by what red, green and blue are multiplied, and what is added then."""
    path = folder / CONVERTER
    if path.is_file():
        said = _json(path).get("config")
    else:
        path = folder / PREPROCESSOR
        preprocessor = _json(path).get("config") if path.is_file() else None
        converter = preprocessor.get("image_converter") if isinstance(preprocessor, dict) else None
        said = converter.get("config") if isinstance(converter, dict) else None
    if not isinstance(said, dict):
        raise BadInput(
            f"'{folder}' does not say how pixels are scaled before this network, and with another "
            f"scaling its weights are worth little. Download {CONVERTER} to it as well."
        )
    scale = _channels(said.get("scale"), 1.0, path)
    offset = _channels(said.get("offset"), 0.0, path)
    if "variance" in said and "mean" in said:  # of older folders
        means = _channels(said["mean"], 0.0, path)
        deviations = [abs(one) ** 0.5 or 1.0 for one in _channels(said["variance"], 1.0, path)]
        scale = tuple(one / by for one, by in zip(scale, deviations, strict=True))
        offset = tuple(-mean / by for mean, by in zip(means, deviations, strict=True))
    return scale, offset


def _channels(value: Any, otherwise: float, path: Path) -> tuple[float, ...]:
    """Return one number for each of three channels."""
    values = [otherwise] if value is None else value if isinstance(value, list) else [value]
    numbers = [
        float(one) for one in values if isinstance(one, int | float) and abs(one) < LARGEST_NUMBER
    ]
    if len(numbers) != len(values) or len(numbers) not in (1, 3):
        raise BadInput(f"'{path}' scales pixels by {value!r}; expected one number or three.")
    return tuple(numbers * 3 if len(numbers) == 1 else numbers)


def _image_shape(value: Any, folder: Path) -> tuple[int, int, int] | None:
    if value is None or (isinstance(value, list) and None in value):
        return None
    if isinstance(value, list) and len(value) == 3 and all(type(one) is int for one in value):
        height, width, channels = value
        if channels == 3 and 0 < height <= 4096 and 0 < width <= 4096:
            return height, width, channels
    raise BadInput(
        f"'{folder / CONFIG}' says that pictures are {value!r}; expected height, width and 3."
    )


def _plain_mapping(value: Any, path: Path) -> dict[str, Any]:
    """Return settings of a network whose values are plain; a dtype, which is not, is not needed."""
    if isinstance(value, dict):
        needed = {name: one for name, one in value.items() if name not in ("dtype", "name")}
        if all(_is_plain(one) for one in needed.values()):
            return needed
    raise BadInput(
        f"'{path}' has settings that are neither numbers nor words nor lists of these, as those of "
        "image networks are. Name the folder of a preset as KerasHub saves it."
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, str | Sequence):
        return len(value) <= LONGEST and (isinstance(value, str) or all(map(_is_plain, value)))
    return value is None or (isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER)
