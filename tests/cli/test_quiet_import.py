"""What a command imports TensorFlow without, and that others may still import it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli.console import graphs_as_traced

TENSORFLOW = """
import gc, sys
collected = gc.isenabled()
found = []
for name in ("sklearn", "matplotlib.pyplot"):
    try:
        __import__(name)
        found.append(name)
    except ImportError:
        pass
"""
ASKED = """
import gc, json, sys
from zoo.cli.console import quiet_import
{before}
with quiet_import():
    import tensorflow
    inside = gc.isenabled()
import sklearn, matplotlib.pyplot
left = [name for name, module in sys.modules.items() if module is None]
print(json.dumps([tensorflow.found, tensorflow.collected, inside, gc.get_freeze_count() > 0, left]))
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """An environment whose TensorFlow only looks what it could import."""
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    (tmp_path / "sklearn.py").touch()
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").touch()
    (tmp_path / "matplotlib" / "pyplot.py").touch()
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("", "[[], false, true, true, []]"),
        ("import sklearn", '[["sklearn"], false, true, true, []]'),
        ("gc.disable()", "[[], false, false, true, []]"),
    ],
)
def test_keras_goes_without_what_no_command_uses_and_nothing_is_looked_at_as_garbage(
    before: str, told: str, elsewhere: dict[str, str]
) -> None:
    """What was imported before stays; whoever imports the rest afterwards gets it."""
    code = ASKED.format(before=before)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], env=elsewhere, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == told, done.stderr


def test_graphs_are_optimised_again_after_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a graphics card, they are during it, too."""
    import tensorflow as tf

    def off() -> bool:
        return bool(tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer"))

    assert not off()
    with graphs_as_traced():
        assert off() is not bool(tf.config.list_physical_devices("GPU"))
        with graphs_as_traced():
            pass
        assert off() is not bool(tf.config.list_physical_devices("GPU")), "as it was before"
    assert not off()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    with graphs_as_traced():
        assert not off()
