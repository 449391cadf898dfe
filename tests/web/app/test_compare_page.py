"""The page Compare: several runs or images, and what they agree and differ in."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo import Attribution
from zoo.base.errors import InvalidSetting
from zoo.base.registry import Registry
from zoo.interpret.case import Case
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, Trust
from zoo.runs.run_folder import Run
from zoo.web.app import templating
from zoo.web.app.agreement import answer_agreement, map_agreement, titles
from zoo.web.app.compare_page import check_number, compared, first_choice, worst
from zoo.web.app.reading import Reading
from zoo.web.app.site import create
from zoo.web.service.library import Library

NAMES = ("NORMAL", "PNEUMONIA")
SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""


def case(run: str, chance: float, values: np.ndarray | None = None, **changes: Any) -> Case:
    given = () if values is None else (Attribution("gradcam", 1, values.astype(np.float32)),)
    told: dict[str, Any] = {
        "name": "x.png",
        "run": run,
        "pixels": np.zeros((64, 64, 3), np.uint8),
        "probabilities": (1 - chance, chance),
        "predicted": int(chance >= 0.5),
        "class_names": NAMES,
        "explanations": given,
    }
    return Case(**(told | changes))


def test_runs_that_agree() -> None:
    told = answer_agreement([case("a", 0.9), case("b", 0.85), case("c", 0.8)], [1, 1, 1])
    assert told[0] == "They agree: all 3 answer PNEUMONIA."
    assert told[1] == "Their probabilities of PNEUMONIA are alike: 80 % to 90 %."
    assert "both answer" in answer_agreement([case("a", 0.9), case("b", 0.9)], [1, 1])[0]


def test_runs_that_differ_are_named() -> None:
    refused = case("c", 0.5, refused="UNCERTAIN")
    told = answer_agreement([case("a", 0.9), case("b", 0.1), refused], [1, 1, 1])
    assert told[0] == "They differ: a answers PNEUMONIA; b answers NORMAL; c answers UNCERTAIN."
    assert told[1] == "Their probabilities of PNEUMONIA lie far apart: 10 % to 90 %."


def test_images_that_are_answered_alike_or_not_are_named() -> None:
    old, new = case("a", 0.1, name="old.png"), case("a", 0.9, name="new.png")
    assert titles([old, new]) == ["old.png", "new.png"]
    told = answer_agreement([old, new], [1, 1], several_images=True)
    assert told[0] == "The answers differ: NORMAL to old.png; PNEUMONIA to new.png."
    told = answer_agreement([new, case("a", 0.8, name="x.png")], [1, 1], several_images=True)
    assert told[0] == "The answer is the same to both: PNEUMONIA."
    by_both = [old, new, case("b", 0.1, name="old.png"), case("b", 0.9, name="new.png")]
    assert titles(by_both)[2:] == ["old.png, b", "new.png, b"]


def test_probabilities_of_other_classes_are_not_compared() -> None:
    other = case("b", 0.9, class_names=("no", "yes"))
    assert "different classes" in answer_agreement([case("a", 0.9), other], [1, 1])[1]
    assert "different classes" in answer_agreement([case("a", 0.9), case("b", 0.9)], [1, 0])[1]


def test_maps_are_alike_by_the_order_of_their_places() -> None:
    ramp = np.tile(np.arange(64.0), (64, 1))
    large = np.tile(np.arange(128.0) * 7, (128, 1))
    ((method, same),) = map_agreement([case("a", 0.9, ramp), case("b", 0.9, large)])
    assert method == "gradcam"
    assert same == pytest.approx(1, abs=0.01)
    ((_, opposite),) = map_agreement([case("a", 0.9, ramp), case("b", 0.9, -ramp)])
    assert opposite == pytest.approx(-1, abs=0.01)
    ((_, across),) = map_agreement([case("a", 0.9, ramp), case("b", 0.9, ramp.T)])
    assert abs(across) < 0.01
    assert map_agreement([case("a", 0.9, ramp), case("b", 0.9)]) == []


@pytest.fixture(scope="module")
def library(
    trained: Run, tiny_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("two-runs")
    for name in ("first", "second"):
        shutil.copytree(trained.path, folder / name)
    opened = Library(folder, registry=tiny_registry)
    yield opened
    opened.close()


@pytest.fixture
def client(library: Library) -> TestClient:
    return TestClient(create(library), base_url="http://127.0.0.1")


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def ask(
    client: TestClient, runs: list[str], *contents: bytes, image: list[str] | None = None
) -> Any:
    files = [("files", (f"{n}.png", one)) for n, one in zip(("one", "two"), contents, strict=False)]
    data = {"runs": runs, "image": image or []}
    return client.post("/app/compare", data=data, files=files or None)


def wait(client: TestClient, task: Any) -> Any:
    end = time.monotonic() + SECONDS
    while task["state"] in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.05)
        task = client.get(f"/app/tasks/{task['id']}").json()
    return task


def test_one_image_through_two_runs(client: TestClient, counted: Callable[[Any], float]) -> None:
    started = ask(client, ["first", "second"], png()).json()
    assert wait(client, started["task"])["state"] == "done"
    assert counted(client) == 2
    (key,) = started["images"]
    address = f"/app/images/{key}"
    asked = {"image": [key], "run": ["first", "second"]}
    part = client.get("/app/comparison", params=asked).json()["part"]
    assert "They agree: both answer" in part
    assert "<dd>1.00</dd>" in part, "copies of one run have the same maps"
    assert "Not judged yet: do not rely on it." in part
    for run in ("first", "second"):
        assert client.get(f"{address}/maps/gradcam", params={"run": run}).status_code == 200
    assert key not in client.get("/").text, "the page Read shows what was read there"

    again = ask(client, ["second", "first"], image=[key]).json()
    assert again["images"] == [key]
    assert wait(client, again["task"])["state"] == "done"
    assert counted(client) == 2, "nothing was answered anew"


def test_two_images_through_one_run(client: TestClient) -> None:
    started = ask(client, ["first"], png(0), png(1)).json()
    assert wait(client, started["task"])["state"] == "done"
    keys = started["images"]
    part = client.get("/app/comparison", params={"image": keys, "run": "first"}).json()["part"]
    assert "one.png and two.png" in part
    assert "How alike their maps are" not in part, "a place of one image is none of the other"
    for key, name in zip(keys, ("one.png", "two.png"), strict=True):
        assert f"<h3>{name}</h3>" in part
        assert f'src="/app/images/{key}/picture"' in part
        assert f'src="/app/images/{key}/maps/gradcam?run=first"' in part
    other = TestClient(client.app, base_url="http://127.0.0.1")
    assert other.get("/app/comparison", params={"image": keys, "run": "first"}).status_code == 404


def test_more_pictures_than_fit_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="5 images and 2 runs make 10 pictures; at most 8"):
        check_number(5, 2)
    check_number(4, 2)


@pytest.mark.slow
def test_maps_are_judged_and_no_verdict_is_kept_back(client: TestClient) -> None:
    started = ask(client, ["first", "second"], png()).json()
    assert wait(client, started["task"])["state"] == "done"
    address, runs, images = "/app/comparison", ["first", "second"], started["images"]
    assert client.get(address, params={"image": images, "run": runs}).json()["unjudged"]
    judging = client.post(f"{address}/judge", data={"image": images, "runs": runs}).json()
    assert wait(client, judging)["state"] == "done"
    told = client.get(address, params={"image": images, "run": runs}).json()
    shown = told["part"].count('class="verdict-of-map"')
    left_out = told["part"].count("do not use it.")
    assert shown + left_out >= 2
    assert told["part"].count('class="judged"') == shown
    assert not told["unjudged"]


def verdict(level: str, depends: bool = True) -> Trust:
    return Trust(level, f"It is {level}.", (), depends)


def test_the_worst_verdict_stands_at_the_method() -> None:
    ramp = np.tile(np.arange(64.0), (64, 1))
    held = case("a", 0.9, ramp, trust={"gradcam": verdict(HOLDS_UP)})
    bad = case("b", 0.9, ramp, trust={"gradcam": verdict(DO_NOT_USE)})
    assert worst([held, bad], "gradcam") == bad.trust["gradcam"]
    assert worst([held, case("c", 0.9, ramp)], "gradcam") is None
    assert worst([held, case("c", 0.9)], "gradcam") == held.trust["gradcam"]


def test_a_map_that_ignores_the_network_is_left_out_with_the_reason() -> None:
    ramp = np.tile(np.arange(64.0), (64, 1))
    ignored = case("b", 0.9, ramp, trust={"gradcam": verdict(DO_NOT_USE, depends=False)})
    assert Reading(ignored, 1).left_out == [("gradcam", "It is do not use.")]
    assert Reading(ignored, 1, asked={"gradcam"}).left_out == []


def test_runs_of_the_same_classes_are_chosen_at_first() -> None:
    runs = [
        Run(Path(name), {"class_names": classes})
        for name, classes in (("a", "XY"), ("b", "VW"), ("c", "XY"), ("d", "VW"))
    ]
    assert first_choice(runs, "") == ["a", "c"]
    assert first_choice(runs, "d") == ["d", "b"]
    assert first_choice(runs[:2], "b") == ["b"]
    assert first_choice([], "b") == []


def test_an_image_of_the_page_read_is_offered(client: TestClient) -> None:
    sent = client.post("/app/read", data={"run": "first"}, files=[("files", ("my.png", png()))])
    key = sent.json()["card"].partition('data-image="')[2].partition('"')[0]
    text = client.get("/compare", params={"image": key, "run": "first"}).text
    assert "my.png" in text
    assert f'value="{key}" checked' in text
    for run in ("first", "second"):
        assert f'value="{run}" checked' in text
    assert f'value="{key}" checked' not in client.get("/compare?image=unknown").text


@pytest.mark.parametrize(
    ("runs", "contents", "status", "sentence"),
    [
        (["first"], [png()], 400, "two runs or more, or two images"),
        (["first", "first"], [png()], 400, "two runs or more"),
        (["first", "../second"], [png()], 404, "There is no run"),
        (["first", "second"], [b""], 422, "is empty"),
        (["first", "second"], [], 422, "Choose one first"),
    ],
)
def test_what_cannot_be_compared_is_told(
    client: TestClient, runs: list[str], contents: list[bytes], status: int, sentence: str
) -> None:
    answer = ask(client, runs, *contents)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_a_damaged_image_is_told_by_the_task(client: TestClient) -> None:
    started = ask(client, ["first", "second"], b"not an image").json()
    ended = wait(client, started["task"])
    assert ended["state"] == "failed"
    assert "one.png" in ended["error"]


def test_without_a_run_it_says_what_to_do(tiny_registry: Registry, tmp_path: Path) -> None:
    library = Library(tmp_path, registry=tiny_registry)
    text = TestClient(create(library), base_url="http://127.0.0.1").get("/compare").text
    library.close()
    assert "There is no finished run yet" in text
    assert 'id="compare"' not in text


def test_maps_are_compared_where_all_runs_saw_the_image() -> None:
    noise = np.random.default_rng(0).random((2, 64, 64))
    inside = np.zeros((2, 64, 64))
    inside[:, 16:48, 16:48] = noise[:, 16:48, 16:48]
    box = (0.25, 0.25, 0.75, 0.75)
    framed = [case(name, 0.9, one, box=box) for name, one in zip("ab", inside, strict=True)]
    ((_, alike),) = map_agreement(framed)
    assert abs(alike) < 0.1, "what lies outside of both frames is no agreement"
    ((_, same),) = map_agreement([framed[0], case("c", 0.9, noise[0])])
    assert same > 0.95
    apart = case("d", 0.9, inside[0], box=(0.8, 0.0, 1.0, 1.0))
    assert map_agreement([framed[0], apart]) == []


def test_each_probability_stands_under_its_own_class(trained: Run) -> None:
    def table(positives: tuple[int, int]) -> str:
        pairs = zip("ab", positives, strict=True)
        found: list[Any] = [("k", None, Reading(case(name, 0.9), one)) for name, one in pairs]
        part = templating.part("compared.html.j2", **compared(found, {"a": trained, "b": trained}))
        return part.partition("<table")[2]

    assert "probability of PNEUMONIA</th>" in table((1, 1))
    told = table((1, 0))
    assert "probability</th>" in told
    assert "90 %<small>PNEUMONIA</small>" in told
    assert "10 %<small>NORMAL</small>" in told
