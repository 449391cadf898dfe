"""The functions that `import zoo` gives, and where they are documented."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import zoo

README = Path(__file__).parents[1] / "README.md"
FUNCTIONS = sorted(set(zoo.__all__) - {"DISCLAIMER", "__version__", "hookimpl"})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_described_where_it_is_imported(name: str) -> None:
    assert f"\n    {name}(" in str(zoo.__doc__)
    function = getattr(zoo, name)
    assert inspect.isfunction(function)
    assert function.__doc__


def test_no_module_hides_a_public_function() -> None:
    modules = {path.stem for path in Path(zoo.__file__).parent.iterdir()}
    assert not modules & set(FUNCTIONS)


@pytest.mark.parametrize("name", ["check", "compare", "diagnose", "learning_curve", "train"])
def test_the_readme_shows_it_from_python(name: str) -> None:
    assert f"zoo.{name}(" in README.read_text("utf-8")


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = zoo.nothing
