"""The devices that a network is trained on: graphics cards, or processors where there are none."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from zoo.base.errors import InvalidSetting

ALL, ONE = "all", "1"

PROCESSOR = Path("/proc/cpuinfo")

UNITS = frozenset({"amx_bf16", "avx512_bf16"})


def asked_for(text: str) -> int | tuple[int, ...] | None:
    """Read how many devices are asked for, which ones ('0,2', one alone as '1,'), or 'all': None.

    Raises:
        InvalidSetting: the text is none of these.
    """
    if text == ALL:
        return None
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text):
        return int(text)
    if re.fullmatch(r"([0-9]{1,4},)+[0-9]{0,4}", text):
        numbers = tuple(int(number) for number in text.split(",") if number)
        if len(set(numbers)) == len(numbers):
            return numbers
    raise InvalidSetting(
        f"The devices are '{text}'; expected how many, 'all', or the numbers of some, counted from "
        "0, as 0,2 or for one alone 1,"
    )


def available() -> tuple[str, ...]:
    """Return what can be trained on, such as ('GPU:0', 'GPU:1') or ('CPU:0',)."""
    import tensorflow as tf

    kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
    return tuple(device.name.removeprefix("/device:") for device in next(filter(None, kinds)))


def chosen(text: str) -> tuple[str, ...]:
    """Return the names of the devices that are asked for.

    Raises:
        InvalidSetting: the text cannot be read, or there are fewer devices.
    """
    asked, there = asked_for(text), available()
    if asked is None:
        return there
    numbers = range(asked) if isinstance(asked, int) else asked
    if max(numbers) >= len(there):
        raise InvalidSetting(
            f"The devices '{text}' were asked for; there {'is' if len(there) == 1 else 'are'} "
            f"{len(there)}: {', '.join(there)}. Ask for {'that' if len(there) == 1 else 'those'}, "
            "or for all."
        )
    return tuple(there[number] for number in numbers)


@functools.cache  # what two of them add up over the same devices gets the same number
def strategy(devices: tuple[str, ...]) -> Any:
    """Return TensorFlow's strategy for the devices; None for the one that it takes by itself."""
    import tensorflow as tf

    if not devices or devices == available()[:1]:
        return None
    if len(devices) == 1:
        return tf.distribute.OneDeviceStrategy(devices[0])
    return tf.distribute.MirroredStrategy(list(devices))


def description(name: str) -> str:
    """Return what is known of a device: the model of a graphics card or of the processor."""
    return str(_details(name).get("device_name", "")) or _processor().get("model name", name)


def has_bfloat16(name: str) -> bool:
    """Tell whether a device has units for bfloat16: a card from Ampere on, or a processor's own."""
    if name.startswith("GPU"):
        return _details(name).get("compute_capability", (0, 0)) >= (8, 0)
    return not UNITS.isdisjoint(_processor().get("flags", "").split())


def has_float16(name: str) -> bool:
    """Tell whether a device has units for float16: NVIDIA's from Volta."""
    return _details(name).get("compute_capability", (0, 0)) >= (7, 0)


def _details(name: str) -> dict[str, Any]:
    import tensorflow as tf

    kind, _, number = name.partition(":")
    if kind != "GPU":
        return {}
    physical = tf.config.list_physical_devices(kind)[int(number)]
    return dict(tf.config.experimental.get_device_details(physical))


def _processor() -> dict[str, str]:
    """Return what Linux tells of the first core; other systems tell nothing here."""
    try:
        lines = PROCESSOR.read_text("utf-8").split("\n\n")[0].splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}
