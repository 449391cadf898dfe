from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import DISCLAIMER, Attribution, Examples, Group, Neighbour, Reference
from zoo.interpret.case import Case
from zoo.report.cases import overlays
from zoo.report.cases.panel import _drawn, panel, panel_pdf
from zoo.report.cases.text import agreement_text, fact, prediction_text, probability_texts


def gray(height: int = 100, width: int = 100, channels: int = 3) -> np.ndarray:
    return np.full((height, width, channels), 120, np.uint8)


def half_map(signed: bool = False) -> Attribution:
    """Give evidence for the target on the right half, and against it on the left when signed."""
    values = np.zeros((100, 100), np.float32)
    values[:, 50:] = 2
    if signed:
        values[:, :50] = -2
    return Attribution("method", 1, values, signed)


def picture(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def case_of(**changes: object) -> Case:
    jpeg = io.BytesIO()
    Image.fromarray(gray(64, 64)).save(jpeg, "JPEG")
    reference = Reference(
        embeddings=np.zeros((3, 2), np.float32),
        labels=np.array([1, 1, 0]),
        names=("one.jpeg", "two.jpeg", "three.jpeg"),
        patients=("1", "2", "3"),
        digests=("a", "b", "c"),
        thumbnails=(jpeg.getvalue(),) * 3,
    )
    near = Examples(
        "examples",
        1,
        (
            Group("similar", "Alike", "cosine distance", (Neighbour(0, 0.1), Neighbour(1, 0.2))),
            Group("contrast", "Another label", "cosine distance", (Neighbour(2, 0.5, note="odd"),)),
        ),
        0.8,
        0.5,
        {"neighbours": 15},
    )
    values: dict = {
        "name": "person1.jpeg",
        "pixels": gray(),
        "probabilities": (0.07, 0.93),
        "predicted": 1,
        "class_names": ("NORMAL", "PNEUMONIA"),
        "explanations": (half_map(), half_map(signed=True), near),
        "reference": reference,
        "run": "a-run",
    }
    return Case(**(values | changes))


def test_overlay_is_clear_where_there_is_no_evidence() -> None:
    drawn = overlays.overlay(gray(), half_map())
    assert drawn.shape == (448, 448, 3)
    assert (drawn[:, :200] == 120).all(), "the image shows through unchanged"
    right = drawn[:, 250:].reshape(-1, 3).astype(int)
    assert (np.abs(right - 120).max(axis=1) > 60).all(), "full evidence is strongly coloured"


def line_of(drawn: np.ndarray) -> tuple[int, int, int, int]:
    """Return the first and last row and column in the colour of the frame: top, left, …"""
    rows, columns = np.nonzero((drawn[..., :3] == overlays.FRAME_COLOUR).all(axis=-1))
    return rows.min(), columns.min(), rows.max(), columns.max()


BOX = (0.25, 0.125, 0.75, 0.875)


def test_a_line_is_drawn_around_what_the_network_saw() -> None:
    framed, whole = (overlays.overlay(gray(), half_map(), box) for box in (BOX, None))
    assert line_of(framed) == (112, 56, 335, 391)
    changed = (framed != whole).any(axis=-1)
    assert not changed[:112].any()
    assert not changed[120:328, 64:384].any(), "inside it nothing is hidden"
    np.testing.assert_array_equal(whole, overlays.overlay(gray(), half_map()))
    alone = overlays.shown(gray(), BOX)
    assert line_of(alone) == line_of(framed)
    near = np.abs(picture(overlays.picture_jpeg(gray(), BOX)).astype(int) - alone).mean()
    assert near < 3
    np.testing.assert_array_equal(overlays.shown(gray()), overlays.enlarge(gray()))


def test_a_line_at_the_very_edge_is_within_the_picture() -> None:
    assert line_of(overlays.shown(gray(), (0.0, 0.0, 1.0, 0.5))) == (0, 0, 447, 224)


def test_signed_overlay_is_red_for_and_blue_against() -> None:
    drawn = overlays.overlay(gray(), half_map(signed=True)).astype(int)
    against, for_target = drawn[200, 100], drawn[200, 350]
    assert for_target[0] > for_target[2] + 40
    assert against[2] > against[0] + 40


def test_more_evidence_is_more_colour() -> None:
    values = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (100, 1))
    drawn = overlays.overlay(gray(), Attribution("ramp", 1, values)).astype(int)
    change = np.abs(drawn - 120).max(axis=-1).mean(axis=0)[::56]
    assert (np.diff(change) > 0).all()


def test_one_stray_pixel_does_not_hide_the_map() -> None:
    values = half_map().values.copy()
    values[0, 0] = 1e6
    assert overlays.peak(values) == 2
    alone = np.zeros((100, 100), np.float32)
    alone[3, 3] = 5
    assert overlays.peak(alone) == 5


def test_empty_and_broken_maps_leave_the_image() -> None:
    for values in (np.zeros((100, 100), np.float32), np.full((100, 100), np.nan, np.float32)):
        attribution = Attribution("m", 1, values)
        assert (overlays.overlay(gray(), attribution) == 120).all()
        assert overlays.bar_ends(attribution)[0] == "no evidence anywhere"


def test_maps_of_another_size_are_fitted() -> None:
    coarse = Attribution("m", 1, np.array([[0, 1], [0, 1]], np.float32))
    drawn = overlays.overlay(gray(60, 90), coarse)
    assert (drawn[:, :100] == 120).all()
    assert (drawn[:, -100:] != 120).any()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((28, 28, 1), (448, 448, 3)), ((500, 700, 3), (500, 700, 3)), ((100, 200, 3), (448, 896, 3))],
)
def test_enlarging(shape: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    assert overlays.enlarge(gray(*shape)).shape == expected


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1000, 1500), (448, 672)),
        ((1500, 1000), (672, 448)),
        ((300, 300), (448, 448)),
        ((9000, 100), (1344, 448)),
    ],
)
def test_all_is_drawn_in_the_proportions_of_the_picture(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    pixels = gray()
    pixels[:, :50] = 0
    for drawn in (
        overlays.shown(pixels, shape=shape),
        overlays.overlay(pixels, half_map(), shape=shape),
        picture(overlays.picture_jpeg(pixels, shape=shape)),
        picture(overlays.overlay_jpeg(pixels, half_map(), shape=shape)),
    ):
        assert drawn.shape == (*expected, 3)
        dark = (drawn[..., 0] < 60).mean()
        assert dark == pytest.approx(0.5, abs=0.02), "picture and map are stretched alike"
    line = line_of(overlays.shown(pixels, BOX, shape))
    spanned = [side * share for side, share in zip(expected * 2, BOX, strict=True)]
    np.testing.assert_allclose(line, spanned, atol=1)


def test_the_line_is_as_thick_across_as_along() -> None:
    rows = overlays.shown(gray(), BOX, (1000, 2000)) == overlays.FRAME_COLOUR
    line = rows.all(axis=-1)
    assert line[:, 448].sum() == line[224].sum() > 0


def test_tiny_images_stay_squares() -> None:
    pixels = np.zeros((8, 8, 1), np.uint8)
    pixels[4, 4] = 255
    assert set(np.unique(overlays.enlarge(pixels))) == {0, 255}


def test_colour_bar_starts_clear() -> None:
    bar = overlays.colour_bar(signed=False).astype(int)
    assert (bar[:, 0] == 110).all()
    assert np.abs(bar[0, -1] - 110).max() > 60
    signed = overlays.colour_bar(signed=True).astype(int)
    assert np.abs(signed[0, 128] - 110).max() < 4
    assert signed[0, 0, 2] > signed[0, 0, 0]
    assert picture(overlays.colour_bar_png(signed=True)).shape == (12, 256, 3)


def test_bar_ends_name_the_values() -> None:
    assert overlays.bar_ends(half_map(signed=True)) == ("against -2", "0", "for +2")
    assert overlays.bar_ends(half_map()) == ("none 0", "", "most 2")


def test_embedded_pictures_are_jpegs() -> None:
    case = case_of()
    assert picture(overlays.overlay_jpeg(case.pixels, half_map())).shape == (448, 448, 3)
    assert picture(overlays.picture_jpeg(gray(28, 28, 1))).shape == (448, 448, 3)


def test_case_in_words() -> None:
    case = case_of()
    assert prediction_text(case) == "PNEUMONIA, probability 93 %"
    expected = "12 of 15 nearest training cases are PNEUMONIA"
    assert agreement_text(case, case.examples[0]) == expected
    assert len(case.attributions) == 2
    assert probability_texts(case_of(probabilities=(0.0001, 0.9999))) == ("< 1 %", "> 99 %")
    assert probability_texts(case_of(probabilities=(0.0, 1.0))) == ("< 1 %", "> 99 %")
    assert fact("additivity_error", 0.0012345) == ("additivity error", "0.00123")
    assert "no case" in agreement_text(case, Examples("examples", 1, (), 0.0))


def test_panel_grows_with_what_it_shows() -> None:
    small = picture(panel(case_of(explanations=())))
    maps = picture(panel(case_of(explanations=(half_map(),) * 5)))
    full = picture(panel(case_of()))
    assert small.shape[1] == maps.shape[1] == full.shape[1] == 1430
    assert small.shape[0] < full.shape[0]
    assert small.shape[0] < maps.shape[0]


def test_panel_shows_matching_regions_and_why_pictures_are_missing() -> None:
    case = case_of()
    spot = np.eye(4, dtype=np.float32)
    group = Group("similar", "Most alike", "cosine distance", (Neighbour(0, 0.1, (spot, spot)),))
    plain = Examples("examples", 1, (replace(group, cases=(Neighbour(0, 0.1),)),), 1.0)
    bare = picture(panel(case_of(explanations=(plain,))))
    matched = picture(panel(case_of(explanations=(replace(plain, groups=(group,)),))))
    assert matched.shape[0] > bare.shape[0]
    without = replace(case.reference, thumbnails=())
    told = picture(panel(case_of(explanations=(plain,), reference=without)))
    assert told.shape[0] > bare.shape[0], "a line says why"


def test_panel_as_pdf() -> None:
    assert panel_pdf(case_of()).startswith(b"%PDF")


def test_panel_shows_disclaimer_notes_and_synthetic_mark() -> None:
    base = picture(panel(case_of()))
    assert (base != picture(panel(case_of(), disclaimer=""))).any()
    assert (base != picture(panel(case_of(synthetic=True)))).any()
    assert picture(panel(case_of(notes=("Unlike the training images.",)))).shape[0] > base.shape[0]
    assert (base != picture(panel(case_of(), title="another"))).any()


def test_panel_tells_the_whole_reason_of_a_refusal() -> None:
    reason = " ".join(f"word{number}" for number in range(30))
    refused = case_of(refused="UNCERTAIN", reason=reason)
    drawn = _drawn(refused, "", DISCLAIMER)
    assert reason in " ".join(text.get_text() for text in drawn.axes[0].texts)
    assert picture(panel(refused)).shape[0] > picture(panel(replace(refused, reason="A"))).shape[0]


@pytest.mark.parametrize("shape", [(100, 150), (150, 100), (100, 900)])
def test_panel_keeps_the_proportions_of_a_picture(shape: tuple[int, int]) -> None:
    """A map is as wide as its place, unless that made it taller than the place is wide."""
    square, drawn = (_drawn(case, "", DISCLAIMER) for case in (case_of(), case_of(shape=shape)))
    maps = zip(pictures(square)[:3], pictures(drawn)[:3], strict=True)
    for (left, right, bottom, _), (a, b, c, d) in maps:
        assert (b - a) / (c - d) == pytest.approx(min(shape[1] / shape[0], 3), rel=0.02)
        assert max(b - a, c - d) == pytest.approx(right - left)
        assert (a + b, d) == pytest.approx((left + right, bottom - (right - left))), "in the middle"
    saved = square.get_figheight() - drawn.get_figheight()
    left, right, bottom, top = pictures(drawn)[0]
    assert saved == pytest.approx(max(0, right - left - (bottom - top)), abs=0.02)


def pictures(figure: Any) -> list[tuple[float, float, float, float]]:
    """Give the places of the pictures on a panel, in inches, but of the colours' bars."""
    places = [image.get_extent() for image in figure.axes[0].images]
    return [(a, b, c, d) for a, b, c, d in places if (b - a) < 10 * (c - d)]


def test_panel_names_a_case_that_it_drew_before() -> None:
    case = case_of()
    again = replace(case.examples[0], method="representers")
    twice = _drawn(case_of(explanations=(*case.explanations, again)), "", DISCLAIMER)
    words = [text.get_text() for text in twice.axes[0].texts]
    assert words.count("shown\nbefore") == 3
    assert sum("one.jpeg" in word for word in words) == 2, "by its name it is found again"
    assert len(twice.axes[0].images) == 1 + 2 * 2 + 3


def test_panel_takes_what_is_missing_or_odd() -> None:
    odd = case_of(
        name="<script>$x$\n胸" + "y" * 300,
        pixels=gray(28, 40, 1),
        reference=None,
        probabilities=(0.1,) * 10,
        class_names=tuple(f"${index}" for index in range(10)),
        label=3,
        threshold=0.5,
    )
    assert picture(panel(odd)).shape[1] == 1430


def test_the_evidence_alone_is_clear_without_evidence_and_has_the_overlay_s_colours() -> None:
    content = overlays.evidence_png(half_map(), (50, 80))
    layer = np.asarray(Image.open(io.BytesIO(content)))
    assert layer.shape == (50, 80, 4)
    assert (layer[:, :35, 3] == 0).all()
    assert (layer[:, 45:, 3] == 255).all()
    blended = 120 * (1 - overlays.OPACITY) + layer[25, 70, :3] * overlays.OPACITY
    drawn = overlays.overlay(gray(), half_map())[200, 400]
    assert np.abs(blended - drawn).max() <= 1
    signed = overlays.evidence_png(half_map(signed=True), (100, 100))
    colours = np.asarray(Image.open(io.BytesIO(signed))).astype(int)
    assert (colours[..., 3] > 200).all()
    assert colours[50, 90, 0] > colours[50, 90, 2]
    assert colours[50, 10, 2] > colours[50, 10, 0]
