"""Image formats of plugins: found without the registry, and none can break another."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zoo import BadInput, Header, Sample, ZooError
from zoo.base import file_attributes, formats
from zoo.base.pictures import decoding, images, picture_limits
from zoo.base.pictures.reader_warnings import Silence
from zoo.cli import main

STRANGER = """
import numpy as np
from zoo.base.types import Header, ImageFormat


def header(content, name):
    return Header(content[5], content[4], "L", len(content))


def read(content, name):
    return np.frombuffer(content[6:], np.uint8).reshape(content[4], content[5])


FORMAT = ImageFormat(
    name="plain", summary="Two sides, then pixels.", extensions=(".plain",),
    recognises=lambda head: head[:4] == b"PLA1", read=read, header=header,
)
"""


def plain(height: int = 10, width: int = 12) -> bytes:
    return b"PLA1" + bytes([height, width]) + bytes(range(height * width))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a module whose object is an image format."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def installed(name: str, source: str, given: str = "FORMAT") -> None:
        sys.modules.pop(name, None)  # of an earlier test
        information = site / f"{name}-1.0.dist-info"
        information.mkdir()
        (site / f"{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0")
        (information / "entry_points.txt").write_text(
            f"[{formats.GROUP}]\n{name} = {name}:{given}\n"
        )
        formats._loaded.cache_clear()

    yield installed
    formats._loaded.cache_clear()


def reasons() -> dict[str, str]:
    return {broken.name: broken.reason for broken in formats.broken()}


def test_a_strangers_format_is_read_wherever_an_image_is(
    install: Callable[..., None], tmp_path: Path
) -> None:
    install("stranger_plain", STRANGER)
    path = tmp_path / "a.plain"
    path.write_bytes(plain())
    assert images.is_image_name(path)
    assert images.read_header(path) == Header(12, 10, "L", 126)
    pixels = images.read_image(path)
    assert pixels.shape == (10, 12, 3)
    np.testing.assert_array_equal(pixels[..., 1].ravel(), np.arange(120))
    np.testing.assert_array_equal(images.read_image(plain()), pixels)
    assert images.read_image(path, (20, 30)).shape == (20, 30, 3)


def test_what_is_kept_of_pictures_is_not_met_by_another_version_of_a_format(
    install: Callable[..., None], tmp_path: Path
) -> None:
    seen = [images.reading()]
    install("stranger_plain", STRANGER)
    seen.append(images.reading())
    assert seen[1] == images.reading()  # as long as nothing changes
    (metadata,) = tmp_path.rglob("METADATA")
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    formats._loaded.cache_clear()
    seen.append(images.reading())
    assert len(set(seen)) == 3
    assert seen[0] == str(images.READING)
    for name in seen:
        assert "-" not in name  # what follows it in the names of folders


def test_the_limits_of_size_hold_before_a_plugin_decodes(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(
        "stranger_plain",
        STRANGER.replace("return np.frombuffer", "raise AssertionError; np.frombuffer"),
    )
    with pytest.raises(BadInput, match="12 x 7 pixels; expected at least 8"):
        images.read_image(plain(7, 12), name="a.plain")
    monkeypatch.setattr(picture_limits, "MAX_PIXELS", 100)
    with pytest.raises(BadInput, match="It has 12 x 10"):
        images.read_image(plain(), name="a.plain")
    path = tmp_path / "a.plain"
    path.write_bytes(plain())
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    for source in (path, plain()):
        with pytest.raises(BadInput, match=r"126 bytes; expected at most 100"):
            images.read_image(source)


READ = "return np.frombuffer(content[6:], np.uint8).reshape(content[4], content[5])"
HEADER = 'return Header(content[5], content[4], "L", len(content))'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("np.uint8", "np.int8", r"gave int8 \(10, 12\) for"),
        (READ, "return None", "gave NoneType for"),
        (READ, "return [[0] * 12] * 10", "gave list for"),
        (READ, READ + "[:9]", r"gave uint8 \(9, 12\) for .*expected uint8 \(10, 12\)"),
        (READ, READ + "[..., None]", r"gave uint8 \(10, 12, 1\)"),
        (READ, "return DeepPicture(values=[7])", "gave a DeepPicture of list"),
        (READ, "return DeepPicture(values=np.full((10, 12), 1j))", "gave complex128"),
        (READ, "return DeepPicture(values=np.full((10, 12), -7))", "gave values from -7 to -7"),
        (READ, "return DeepPicture(values=np.full((10, 12), np.nan))", "values from nan to nan"),
        (HEADER, "return (12, 10)", r"the header \(12, 10\); expected a Header"),
        (HEADER, "return Header(12.0, 10, 'L', 9)", "expected a Header of whole numbers"),
        (HEADER, "return Header(-12, -10, 'L', 9)", "expected a Header of whole numbers"),
    ],
)
def test_a_format_that_gives_something_else_is_named(
    install: Callable[..., None], old: str, new: str, reason: str
) -> None:
    assert old in STRANGER
    install("stranger_plain", STRANGER.replace("Header,", "DeepPicture, Header,").replace(old, new))
    with pytest.raises(ZooError, match=reason) as caught:
        images.read_image(plain())
    assert str(caught.value).startswith("The image format 'plain' is broken: it gave ")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("FORMAT = 'dicom'", "gives str; expected ImageFormat"),
        ("", "AttributeError"),
        (STRANGER.replace('".plain"', '"plain"'), "expected one like '.dcm'"),
        (STRANGER.replace('name="plain"', 'name="dicom"'), "gives already: rename it"),
        (STRANGER.replace('name="plain"', 'name="a/b"'), "name is 'a/b'"),
        (STRANGER.replace('"Two sides, then pixels."', "None"), "summary is None"),
        (STRANGER.replace("read=read", "read='plain'"), "read is 'plain'; expected a function"),
        (STRANGER.replace("header=header", "header=None"), "header is None"),
        (STRANGER.replace('(".plain",)', '".plain"'), "extensions is '.plain'; expected a tuple"),
        (STRANGER.replace('".plain"', '".PLAIN"'), "an extension is '.PLAIN'"),
        (STRANGER.replace('".plain"', "7"), "an extension is 7"),
        (STRANGER.replace("read=read", 'read=read, columns=("a",)'), "columns without attributes"),
    ],
    ids=[
        *("import", "exit", "type", "nothing", "extension", "taken", "name", "summary", "read"),
        *("header", "extensions", "capitals", "number", "columns"),
    ],
)
def test_a_broken_format_is_listed_and_breaks_nothing_else(
    install: Callable[..., None], source: str, reason: str
) -> None:
    before = formats.extensions()
    install("strange_broken", source)
    assert reason in reasons()["strange_broken:strange_broken"]
    assert formats.extensions() == before
    listed = json.loads(CliRunner().invoke(main, ["list", "--json"]).stdout)
    assert (
        reason
        in {b["name"]: b["reason"] for b in listed["broken"]}["strange_broken:strange_broken"]
    )
    shown = CliRunner().invoke(main, ["list"])
    assert shown.exit_code == 0
    assert "strange_broken" in shown.stdout
    assert ".dcm" in shown.stdout


def test_a_format_that_fails_to_recognise_is_passed_over(install: Callable[..., None]) -> None:
    install("stranger_plain", STRANGER)
    install("strange_failing", STRANGER.replace('"plain"', '"a"').replace("head[:4]", "head.x"))
    assert len(formats.installed()) == 3
    assert images.read_image(plain()).shape == (10, 12, 3)
    with pytest.raises(BadInput, match="not an image") as caught:
        images.read_image(b"Dear doctor,")
    assert "plain" in str(caught.value)


def test_what_a_strangers_file_says_of_its_image(
    install: Callable[..., None], tmp_path: Path
) -> None:
    says = 'columns=("side", "long", "bell", "film"), attributes=attributes,\n)'
    attributes = """
def attributes(beginning):
    texts = {"side": "left", "long": "x" * 65, "bell": chr(7), "name": "Doe"}
    return texts if beginning[4] == 10 else texts["none"]
"""
    source = STRANGER.replace("\nFORMAT", attributes + "\nFORMAT").rstrip().removesuffix(")") + says
    install("stranger_telling", source)
    (tmp_path / "a.plain").write_bytes(plain())
    (tmp_path / "b").write_bytes(plain(11))
    told = file_attributes.attributes_below(tmp_path, ["a.plain", "c.png"])
    assert set(told) == {"side", "long", "bell", "film"}
    assert set(file_attributes.attributes_below(tmp_path, ["b"])) == set(told)
    assert file_attributes.attributes_below(tmp_path, ["c.png", "none"]) == {}
    assert file_attributes.read_attributes(tmp_path / "a.plain") == {"side": "left"}
    assert file_attributes.read_attributes(tmp_path / "b") == {}, "a stranger's mistake"
    assert told["side"](Sample("gone.plain", 0, "")) == ""


def test_dicom_is_listed_without_pydicom_being_imported() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from zoo.cli import main; "
        "r = CliRunner().invoke(main, ['list']); assert r.exit_code == 0, r.output; "
        "assert 'dicom' in r.stdout; "
        "assert not {'pydicom', 'imagecodecs', 'tensorflow'} & sys.modules.keys()"
    )
    subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", program], check=True, timeout=300
    )


def test_warnings_stay_silent_until_the_last_one_leaves() -> None:
    before, silence = list(warnings.filters), Silence()
    silence.__enter__()
    silence.__enter__()
    silence.__exit__()
    warnings.warn("still silent", stacklevel=1)
    silence.__exit__()
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning):
        warnings.warn("heard again", stacklevel=1)
