from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.base import leftovers
from zoo.base.progress import SILENT
from zoo.base.shards import INDEX, ROWS, Shards

KEYS = [f"image{n}:as-it-is" for n in range(6)]
VALUES = np.arange(24, dtype=np.float32).reshape(6, 4)

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from zoo.base.progress import SILENT
from zoo.base.shards import Shards

folder, worker = Path(sys.argv[1]), int(sys.argv[2])
keys = [f"image{n}" for n in range(40)]
for turn in range(40):
    store = Shards(folder, SILENT)
    missing = [key for key in keys[: turn + 1] if key not in store.find(keys[: turn + 1])]
    if missing:
        store.append(missing, np.array([[int(key[5:])] * 3 for key in missing], np.float32))
    rows = store.rows(keys[: turn + 1])
    assert (rows == np.arange(turn + 1)[:, None]).all(), rows
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    Shards(folder, SILENT).append(KEYS, VALUES)
    return folder


def test_rows_are_found_again_by_their_keys(written: Path) -> None:
    store = Shards(written, SILENT)
    assert set(store.find([KEYS[4], "another"])) >= {KEYS[4]}
    assert "another" not in store.find(["another"])
    np.testing.assert_array_equal(store.rows([KEYS[4], KEYS[1]]), VALUES[[4, 1]])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from([ROWS, INDEX]))
def test_no_flipped_bit_gives_another_number(
    written: Path, tmp_path: Path, data: st.DataObject, kind: str
) -> None:
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = next(tmp_path.glob(f"*{kind}"))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    store = Shards(tmp_path, SILENT)
    if set(KEYS) <= set(store.find(KEYS)):  # a bit of what the archive does not need
        np.testing.assert_array_equal(store.rows(KEYS), VALUES)
    else:
        assert KEYS[0] not in store.find(KEYS)
        assert not path.exists()


def test_an_index_that_points_before_its_beginning_is_damaged(
    written: Path, tmp_path: Path
) -> None:
    for path in written.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    index = next(tmp_path.glob(f"*{INDEX}"))
    content = bytearray(index.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 16] ^= 1  # the place of the table of contents: members move by as much
    index.write_bytes(content)
    assert not Shards(tmp_path, SILENT).find(KEYS)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "from zoo.base import leftovers; print(leftovers.new_name('.npy'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    (tmp_path / dead.stdout.strip()).write_bytes(b"half")
    own = tmp_path / leftovers.new_name(".npy")
    own.write_bytes(b"half")
    Shards(tmp_path, SILENT)
    assert list(tmp_path.iterdir()) == [own]


def test_files_of_the_former_layout_are_removed_and_the_others_stay(tmp_path: Path) -> None:
    Shards(tmp_path, SILENT).append(KEYS, VALUES)
    kept = set(tmp_path.iterdir())
    for name in ("ab12.keys.npy", "ab12.values.npy"):
        (tmp_path / name).write_bytes(b"old")
    store = Shards(tmp_path, SILENT)
    assert set(tmp_path.iterdir()) == kept
    assert set(store.find(KEYS)) == set(KEYS)


def test_a_folder_that_cannot_be_listed_holds_nothing(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "glob", failing)
    assert not Shards(written, SILENT).find(KEYS)


def test_two_processes_fill_one_cache_and_both_are_right(tmp_path: Path) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(worker)])  # noqa: S603
        for worker in range(2)
    ]
    assert [process.wait(600) for process in both] == [0, 0]
    store = Shards(tmp_path, SILENT)
    keys = [f"image{n}" for n in range(40)]
    assert set(store.find(keys)) >= set(keys)
    assert (store.rows(keys) == np.arange(40)[:, None]).all()
    assert not list(tmp_path.glob(f"{leftovers.PREFIX}*"))
