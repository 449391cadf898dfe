from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zoo import BadInput
from zoo.report.cases import casebook
from zoo.report.cases.index import Entry, index_page
from zoo.runs.run_folder import Run


def entry(name: str) -> Entry:
    return Entry(name, name, name, "digest", "key", "NORMAL", 0.5, None, {}, {})


@pytest.mark.parametrize("left", range(1, 60))
def test_a_line_that_was_half_written_is_left_out_and_closed(tmp_path: Path, left: int) -> None:
    casebook.append(tmp_path, entry("first"))
    log = tmp_path / casebook.LOG
    whole = log.read_bytes()
    casebook.append(tmp_path, entry("zweite Lunge links ü ü ü ü"))
    log.write_bytes(log.read_bytes()[: len(whole) + left])  # in the middle of a letter, too
    assert [known.path for known in casebook.entries(tmp_path)] == ["first"]
    casebook.append(tmp_path, entry("third"))
    assert [known.path for known in casebook.entries(tmp_path)] == ["first", "third"]


def test_a_log_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / casebook.LOG).mkdir()
    with pytest.raises(BadInput, match=r"cases\.jsonl' cannot be read"):
        casebook.entries(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(casebook, "facts", lambda run: {"run": run.name})
    return Run(Path("a-run"), {})


def addresses(page: str) -> list[str]:
    return re.findall(r'href="([^"#]+)"', page)


def test_an_index_of_many_images_has_pages_that_lead_to_each_other(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(casebook, "ROWS", 3)
    for number in (4, 0, 6, 2, 5, 1, 3):
        made = replace(entry(f"{number}.png"), files={"html": f"{number}.html"}, thumbnail="abcd")
        casebook.append(tmp_path, replace(made, answer="NORMAL" if number < 2 else "UNCERTAIN"))
    assert casebook.write_index(tmp_path, run) == tmp_path / "index.html"
    pages = [tmp_path / "index.html", tmp_path / "pages/2.html", tmp_path / "pages/3.html"]
    assert sorted((tmp_path / "pages").iterdir()) == pages[1:]
    texts = [page.read_text("utf-8") for page in pages]
    shown = [[number for number in range(7) if f'alt="{number}.png"' in text] for text in texts]
    assert shown == [[0, 1, 2], [3, 4, 5], [6]]
    for page, text in zip(pages, texts, strict=True):
        assert "7 images" in text
        assert re.search(r"NORMAL</th><td>2<", text), "answers are those of all pages"
        assert 'src="data:image/jpeg;base64,abcd"' in text
        links = [(page.parent / one).resolve() for one in addresses(text)]
        reports = {tmp_path / f"{number}.html" for number in range(7)}
        assert set(links) <= reports | set(pages)
        assert set(pages) - {page} - set(links) <= {pages[1]}, "first and last are always near"
    assert "Images 4 to 6, page 2 of 3" in texts[1]
    assert "pages/3.html" in texts[0]


def test_an_index_of_few_images_is_one_page_without_links(tmp_path: Path, run: Run) -> None:
    casebook.append(tmp_path, entry("only.png"))
    text = casebook.write_index(tmp_path, run).read_text("utf-8")
    assert "page 1 of" not in text
    assert not (tmp_path / "pages").exists()


def test_the_index_names_the_run_that_answered_each_image(tmp_path: Path, run: Run) -> None:
    casebook.append(tmp_path, replace(entry("first.png"), run="a-run"))
    alone = casebook.write_index(tmp_path, run).read_text("utf-8")
    assert "answered and explained by the run a-run." in alone
    assert "About the run" in alone
    assert ">Run</th>" not in alone
    casebook.append(tmp_path, entry("older.png"))  # as it was written before runs were
    casebook.append(tmp_path, replace(entry("second.png"), run="another"))
    mixed = casebook.write_index(tmp_path, run).read_text("utf-8")
    assert "3 images, answered and explained." in mixed
    assert "About the run" not in mixed
    rows = dict(
        re.findall(r'alt="(\w+)\.png".*?data-value="NORMAL".*?<td data-value="(.*?)"', mixed, re.S)
    )
    assert rows == {"first": "a-run", "older": "", "second": "another"}


def test_the_index_of_an_older_folder_names_no_run(tmp_path: Path, run: Run) -> None:
    casebook.append(tmp_path, entry("older.png"))
    line = (tmp_path / casebook.LOG).read_text("utf-8").replace(', "run": ""', "")
    assert '"run"' not in line
    (tmp_path / casebook.LOG).write_text(line, "utf-8")
    text = casebook.write_index(tmp_path, run).read_text("utf-8")
    assert 'alt="older.png"' in text
    assert "a-run" not in text
    assert ">Run</th>" not in text


def test_the_index_holds_the_pictures_of_one_page_at_a_time(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    drawn = casebook.index_page

    def counted(entries: Sequence[Entry], **given: Any) -> str:
        held.append(sum(len(entry.thumbnail) for entry in entries))
        return drawn(entries, **given)

    monkeypatch.setattr(casebook, "index_page", counted)
    monkeypatch.setattr(casebook, "ROWS", 4)
    for number in range(10):
        casebook.append(tmp_path, replace(entry(f"{number}"), thumbnail="x" * 50))
    casebook.write_index(tmp_path, run)
    assert held == [200, 200, 100]
    assert not any(known.thumbnail for known in casebook.entries(tmp_path))


def test_nobody_is_kept_out_of_the_index(accessible: Callable[[str], None]) -> None:
    files = {"html": "first.html", "png": "first.png"}
    shown = replace(entry("first"), files=files, verdicts={"holds up": 2}, agreement=0.8)
    accessible(index_page([shown, entry("second")], run="a-run"))
