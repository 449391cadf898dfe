from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.readers.csv_table import parsing
from plugins.readers.csv_table.parsing import DELIMITERS, delimiter_of, number, read_table
from zoo import BadInput, ZooError

CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf")),
    min_size=1,
    max_size=6,
).filter(lambda text: not (text.startswith('="') and text.endswith('"'))) | st.sampled_from(
    ['a"b', "a,b", "a;b", "a\tb", "a|b", "a\nb", "1,5"]
)
HEADER = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=2, max_size=5)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), header=HEADER, delimiter=st.sampled_from(DELIMITERS))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_is_written_is_read_back(
    tmp_path: Path, encoding: str, data: st.DataObject, header: list[str], delimiter: str
) -> None:
    row = st.lists(CELL, min_size=len(header), max_size=len(header))
    rows = data.draw(st.lists(row, max_size=4))
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([header, *rows])
    path = tmp_path / "set.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    table = read_table(path)
    assert list(table.header) == header
    assert [list(row.cells) for row in table.rows] == rows
    assert [row.line for row in table.rows] == sorted({row.line for row in table.rows})


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
@pytest.mark.parametrize("name", ["set.csv", "set.tsv", "set.csv.gz"])
def test_any_content_is_a_table_or_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    try:
        table = read_table(tmp_path / name)
    except ZooError:
        return
    assert all(len(row.cells) <= len(table.header) for row in table.rows)


@pytest.mark.parametrize("before", ["", "\n\n", "sep=;\n", "SEP=;\r\n\r\n"])
def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path, before: str) -> None:
    text = f'{before}path;label\na;"one\ntwo"\n\nb;x;y\n'
    path = tmp_path / "set.csv"
    path.write_text(text)
    line = text.replace("\r\n", "\n").split("\n").index("b;x;y") + 1
    with pytest.raises(BadInput, match=rf"^Line {line} of .* 3 cells, more than the 2"):
        read_table(path)


@pytest.mark.parametrize(
    "text",
    [
        "# made by hand\n#\npath,label\na,b\n",
        "Export of the department\n\npath,label\na,b\n",
        "Export of the department;;\nDay;;\npath;label;\na;b;\n",
        '"path,label"\n"a,b"\n',
        '"path,""label"""\n"""a"",b"\n',
        "\u200bpath,label\n\u200ba,b\n",
        'path,label\n"=""a""",="b"\n',
    ],
)
def test_what_programs_add_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "set.csv"
    path.write_text(text)
    table = read_table(path)
    assert [cell for cell in table.header if cell] == ["path", "label"]
    assert [[cell for cell in row.cells if cell] for row in table.rows] == [["a", "b"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_letters_without_their_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes("path,label\na,ä\n".encode(encoding))
    assert read_table(path).rows[0].cells == ("a", "ä")


def test_text_in_another_coding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes("path,label\na,x\nb,café\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"not UTF-8 text \(line 3\)"):
        read_table(path)


def test_a_packed_table_is_unpacked_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.csv.gz"
    path.write_bytes(gzip.compress(b"path,label\na,x\n"))
    assert read_table(path).rows[0].cells == ("a", "x")
    monkeypatch.setattr("plugins.readers.csv_table.parsing.MAX_BYTES", 10)
    with pytest.raises(BadInput, match="holds more than 10 bytes"):
        read_table(path)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("a,b;c,d", ","),
        ("a;b;c,d", ";"),
        ("a\tb", "\t"),
        ('"a;b;c",d', ","),
        ("a|b", "|"),
        ("a", ","),
    ],
)
def test_delimiters(header: str, delimiter: str) -> None:
    assert delimiter_of(header) == delimiter


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_may_have_a_decimal_comma(value: float) -> None:
    assert number(str(value)) == number(str(value).replace(".", ",")) == value


@pytest.mark.parametrize("text", ["", "x", "1,2,3", "1.2.3", "1,024.5"])
def test_what_is_no_number(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(("cell", "read"), [('="007"', "007"), ('=""', ""), ('="', '="')])
def test_a_formula_is_one_that_is_closed(cell: str, read: str) -> None:
    assert parsing._without_formula(cell) == read
