"""The file of users: what is written, who is let in, and that nothing tells who is in it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from cheap_hashes import use_cheap_hashes
from hypothesis import given
from hypothesis import strategies as st

from zoo import BadInput, InvalidSetting, UnknownName
from zoo.web.service import users
from zoo.web.service.limits import Unavailable
from zoo.web.service.users import Users

PASSWORD = "correct horse"  # noqa: S105 (of a test)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cheap_hashes(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    assert users.add(path, "ann", PASSWORD, may_train=True)
    assert users.add(path, "bob", "another horse")
    return path


def test_only_hashes_are_written_for_the_owner_alone(file: Path) -> None:
    text = file.read_text()
    assert PASSWORD not in text
    assert text.startswith("ann:$argon2id$")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [(one.name, one.may_train) for one in users.read(file).values()] == [
        ("ann", True),
        ("bob", False),
    ]


def test_hashes_are_those_that_the_standard_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert extract_parameters(users._hasher().hash("x")) == RFC_9106_LOW_MEMORY


def test_who_knows_the_password_is_let_in(file: Path) -> None:
    known = Users(file)
    ann = known.find("ann")
    assert ann is not None
    assert known.remembered("ann", PASSWORD) is None
    for name, password in (("ann", "another horse"), ("eve", PASSWORD), ("", ""), ("ann", "")):
        assert known.identify(name, password) is None
    assert known.identify("ann", PASSWORD) == ann
    assert known.remembered("ann", PASSWORD) == ann
    assert known.remembered("ann", PASSWORD + "x") is None
    assert known.remembered("bob", PASSWORD) is None


def test_letters_are_the_same_however_they_are_typed(tmp_path: Path) -> None:
    users.add(tmp_path / "users", "Zo\u00eb", "caf\u00e9 au lait")
    assert Users(tmp_path / "users").identify("Zoe\u0308", "cafe\u0301 au lait") is not None


def test_somebody_unknown_costs_what_a_wrong_password_costs(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, looked_at = Users(file), []
    verify = PasswordHasher.verify

    def noting(self: Any, hashed: str, password: str) -> Any:
        looked_at.append(extract_parameters(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", noting)
    for name in ("ann", "nobody-of-that-name"):
        assert known.identify(name, "a wrong one") is None
    assert len(looked_at) == 2
    assert looked_at[0] == looked_at[1]


def test_a_change_of_the_file_counts_at_once(file: Path) -> None:
    known = Users(file)
    assert known.identify("bob", "another horse") is not None
    assert not users.add(file, "bob", "a third horse")
    assert known.remembered("bob", "another horse") is None
    assert known.identify("bob", "another horse") is None
    assert known.identify("bob", "a third horse") is not None
    users.remove(file, "bob")
    assert known.find("bob") is None
    assert known.remembered("bob", "a third horse") is None
    with pytest.raises(UnknownName, match="ann"):
        users.remove(file, "anna")


def test_nobody_is_let_in_by_a_file_that_cannot_be_read(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known, whole = Users(file), file.read_text()
    file.write_text("ann:plain\n")
    for _ in range(3):
        with pytest.raises(Unavailable):
            known.find("ann")
    assert caplog.text.count("Nobody is let in") == 1
    file.unlink()
    with pytest.raises(Unavailable):
        known.identify("ann", PASSWORD)
    file.write_text(whole)
    assert known.identify("ann", PASSWORD) is not None


@pytest.mark.parametrize(
    "line",
    [
        "ann",
        "ann:",
        "ann:secret",
        ":$argon2id$x",
        "a b:$argon2id$x",
        "ann:$argon2id$x:admin",
        "ann:$argon2id$x\nann:$argon2id$y",
    ],
)
def test_a_line_that_is_no_user_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "users").write_text(f"# people\n\n{line}\n")
    with pytest.raises(BadInput, match=r"Line [34] of"):
        users.read(tmp_path / "users")


def test_what_cannot_be_a_name_or_a_password_is_told(tmp_path: Path) -> None:
    path = tmp_path / "users"
    for name in ("", "a:b", "a b", "-a", "a\nb", "x" * 65):
        with pytest.raises(InvalidSetting, match="name"):
            users.add(path, name, PASSWORD)
    for password in ("", "short", "x" * 257):
        with pytest.raises(InvalidSetting, match="characters"):
            users.add(path, "ann", password)
    assert not path.exists()
    path.write_text("# nobody\n")
    with pytest.raises(BadInput, match="zoo users add"):
        Users(path)
    with pytest.raises(BadInput, match="zoo users add"):
        Users(tmp_path / "none")


def test_what_is_added_at_the_same_time_is_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "users"
    threads = [
        threading.Thread(target=users.add, args=(path, f"user{number}", PASSWORD))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users.read(path)) == 8
    assert os.listdir(tmp_path) == ["users"]  # noqa: PTH208 (names alone)


@given(st.text(max_size=40), st.text(max_size=60))
def test_any_line_is_read_or_refused(tmp_path_factory: Any, name: str, rest: str) -> None:
    path = tmp_path_factory.mktemp("any") / "users"
    path.write_bytes(f"{name}:{rest}\n".encode("utf-8", "surrogatepass"))
    try:
        known = users.read(path)
    except BadInput:
        return
    for user in known.values():
        assert user.hash.startswith("$argon2id$")
