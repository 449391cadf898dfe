"""The locked versions in requirements/: all of them, with digests, as pyproject.toml wants them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
BUILD = PROJECT["dependency-groups"]["build"]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)((?: ; [^\\]+)?) \\\n((?: +--hash=\S+(?: \\)?\n)+)", re.M)
DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def locked(name: str) -> dict[str, Version]:
    """Read the versions of one file; every line of it is a pin, one of its digests or a note."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    left_over = PINNED.sub("", text).splitlines()
    assert [line for line in left_over if not line.startswith("#")] == []
    return {match[1]: Version(match[2]) for match in PINNED.finditer(text)}


def wanted(extra: str | None) -> list[Requirement]:
    """List what the project, or the extra with those that it takes in, asks for directly."""
    project = PROJECT["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    found = []
    for requirement in map(Requirement, lines):
        if requirement.name == project["name"]:
            found += [each for other in requirement.extras for each in wanted(other)]
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize(("name", "extras"), [("base", [None]), ("dev", [None, "dev"])])
def test_what_the_project_asks_for_is_locked_within_its_bounds(
    name: str, extras: list[str | None]
) -> None:
    versions = locked(name)
    asked = [*map(Requirement, BUILD), *(each for extra in extras for each in wanted(extra))]
    assert len(asked) > 20
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not locked: make lock"
        assert requirement.specifier.contains(version), f"{requirement}: {version}: make lock"


def test_every_version_has_its_digests() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    for match in PINNED.finditer(text):
        assert DIGEST.findall(match[4])
        assert len(DIGEST.findall(match[4])) == match[4].count("--hash")


def test_a_program_runs_on_the_versions_that_were_tested() -> None:
    base, dev = locked("base"), locked("dev")
    assert base == {name: version for name, version in dev.items() if name in base}
