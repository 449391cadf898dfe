"""The page Read with the tiny run: answers, explanations, verdicts, reports, and for whom."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from explain import shapley
from zoo import DISCLAIMER, Attribution
from zoo.base.registry import Registry
from zoo.interpret.case import Case
from zoo.interpret.trust import panel
from zoo.interpret.trust.verdict import Trust
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating, worklist
from zoo.web.app import reading as readings
from zoo.web.app.reading import Reading
from zoo.web.app.site import create
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.limits import Limits

LOCAL = "http://127.0.0.1"
EXPLAINED_WITH = "gradcam"
SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""


def png(seed: int = 0, size: tuple[int, int] = (90, 120)) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "audit.jsonl"


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(
        trained.path.parent, limits=Limits(file_bytes=300_000, files=3), registry=tiny_registry
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(library: Library, journal: Path) -> Any:
    return create(library, journal=Journal(journal))


@pytest.fixture
def client(app: Any) -> TestClient:
    return TestClient(app, base_url=LOCAL)


def read(client: TestClient, run: str, *files: tuple[str, bytes]) -> Any:
    sent = [("files", file) for file in files]
    answer = client.post("/app/read", data={"run": run}, files=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def key_of(card: str) -> str:
    found = re.search(r'data-image="([^"]+)"', card)
    assert found
    return found.group(1)


def wait(client: TestClient, answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    task = answer.json()
    end = time.monotonic() + SECONDS
    while task["state"] in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.05)
        task = client.get(f"/app/tasks/{task['id']}").json()
    return task


def one(client: TestClient, run: Run, name: str = "one.png") -> str:
    return key_of(read(client, run.name, (name, png()))["card"])


def test_the_page_offers_the_run_and_labels_what_it_asks_for(
    client: TestClient, trained: Run
) -> None:
    text = client.get("/").text
    assert f'<option value="{trained.name}" selected>' in text
    for field in ("run", "files", "folder"):
        assert re.search(rf'<label [^>]*for="{field}"', text), field
    for number in range(4):
        assert f'data-example="{number}"' in text
    assert len(text.encode()) < 150_000


def test_an_image_is_answered_in_words_and_bars(
    client: TestClient, trained: Run, journal: Path
) -> None:
    told = read(client, trained.name, ("one.png", png()))
    card, (row,) = told["card"], told["rows"]
    assert not told["problems"]
    assert "one.png" in row
    assert any(f'data-answer="{name}"' in row for name in (*trained.class_names, "UNCERTAIN")) or (
        'data-refused="true"' in row
    )
    assert DISCLAIMER in card
    assert "synthetic data" in card
    for name in trained.class_names:
        assert name in card
    assert trained.threshold is not None
    assert card.count(f"threshold {trained.threshold:.2f}") == 1
    line = json.loads(journal.read_text().splitlines()[-1])
    assert line["run"] == trained.name
    assert "one.png" not in journal.read_text()


def test_every_answer_is_counted_once_whichever_door_it_came_through(
    client: TestClient, trained: Run, counted: Callable[[Any], float]
) -> None:
    before, run = counted(client), {"run": trained.name}
    read(client, trained.name, ("one.png", png()), ("two.png", png(1)), ("bad.png", b"no image"))
    assert counted(client) == before + 2
    key = one(client, trained)
    assert counted(client) == before + 3
    wait(client, client.post(f"/app/images/{key}/explain", data=run))
    assert counted(client) == before + 3, "why is no other answer"
    client.post("/predict", data=run, files=[("files", ("three.png", png()))])
    assert counted(client) == before + 4


def test_each_bad_file_is_a_sentence_and_the_others_are_answered(
    client: TestClient, trained: Run
) -> None:
    told = read(
        client,
        trained.name,
        ("good.png", png()),
        ("<b>bad.png", b"not an image"),
        ("cut.png", png()[:-700]),
    )
    assert len(told["rows"]) == 1
    assert len(told["problems"]) == 2
    assert all("png" in sentence and sentence.endswith(".") for sentence in told["problems"])


def test_too_large_too_many_and_none(client: TestClient, trained: Run) -> None:
    large = read(client, trained.name, ("large.png", bytes(300_001)))
    assert "the limit is" in large["problems"][0]
    many = [("files", (f"{n}.png", png())) for n in range(4)]
    answer = client.post("/app/read", data={"run": trained.name}, files=many)
    assert answer.status_code == 413
    none = client.post("/app/read", data={"run": trained.name}, files=[("files", ("", b""))])
    assert none.status_code == 422
    unknown = client.post("/app/read", data={"run": "../x"}, files=[("files", ("a", png()))])
    assert unknown.status_code == 404


def test_names_cannot_become_markup(client: TestClient, trained: Run) -> None:
    told = read(client, trained.name, ('"><img src=x>.png', png()))
    for part in (told["card"], *told["rows"]):
        assert "<img src=x>" not in part
        assert "&lt;img src=x&gt;" in part


def test_the_picture_keeps_its_proportions(client: TestClient, trained: Run) -> None:
    key = one(client, trained)
    answer = client.get(f"/app/images/{key}/picture")
    assert answer.headers["cache-control"] == "no-store"
    shown = Image.open(io.BytesIO(answer.content))
    assert shown.width / shown.height == pytest.approx(120 / 90, abs=0.01)


def test_why_comes_after_and_then_what_it_is_worth(client: TestClient, trained: Run) -> None:
    key, run = one(client, trained), {"run": trained.name}
    before = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert not before["explained"]
    done = wait(client, client.post(f"/app/images/{key}/explain", data=run))
    assert done["state"] == "done", done
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert told["explained"]
    assert told["unjudged"]
    assert f'data-method="{EXPLAINED_WITH}"' in told["parts"]["layers"]
    assert f'value="{EXPLAINED_WITH}"' in told["parts"]["controls"]
    assert "Not judged yet" in told["parts"]["about"]
    assert "nearest training cases are" in told["parts"]["similar"]
    assert "about 5 s, its first verdict up to a minute" in told["parts"]["further"]

    layer = client.get(f"/app/images/{key}/maps/{EXPLAINED_WITH}", params=run)
    picture = np.asarray(Image.open(io.BytesIO(layer.content)))
    assert picture.shape == (64, 85, 4), "in the proportions of the upload"
    assert picture[..., 3].min() < 20 < picture[..., 3].max()

    done = wait(client, client.post(f"/app/images/{key}/judge", data=run))
    assert done["state"] == "done", done
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert not told["unjudged"]
    assert "How this was measured" in told["parts"]["about"]
    assert 'class="trust' in told["parts"]["controls"]
    assert 'data-verdict=""' not in told["row"]


def test_where_time_ran_out_longer_judging_is_offered(
    client: TestClient, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def judge(*asked: Any, seconds: float) -> list[dict[str, Trust]]:
        given.append(seconds)
        hurried = seconds < readings.LONGER
        return [{one.method: Trust("weak", "W.", (), True, hurried) for one in asked[4][0]}]

    monkeypatch.setattr(panel, "judge_maps", judge)
    key, run = one(client, trained), {"run": trained.name}
    address = f"/app/images/{key}/"
    wait(client, client.post(f"{address}explain", data={**run, "method": "gradcam"}))
    wait(client, client.post(f"{address}judge", data=run))
    told = client.get(f"{address}explanation", params=run).json()
    assert not told["unjudged"]
    assert "Judge gradcam longer" in told["parts"]["further"]
    wait(client, client.post(f"{address}judge", data=run))
    assert len(given) == 1, "nobody asked for more"
    wait(client, client.post(f"{address}judge", data={**run, "method": "gradcam"}))
    assert given == [readings.BUDGET, readings.LONGER]
    told = client.get(f"{address}explanation", params=run).json()
    assert "longer" not in told["parts"]["further"]


def test_a_link_chooses_the_run(trained: Run, tiny_registry: Registry, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(trained.path, tmp_path / name)
    library = Library(tmp_path, registry=tiny_registry)
    client = TestClient(create(library), base_url=LOCAL)
    for name in ("first", "second"):
        assert f'<option value="{name}" selected>' in client.get("/", params={"run": name}).text
    for name in ("first", "second"):
        read(client, name, ("one.png", png()))
    for name in ("first", "second"):
        page = client.get("/", params={"run": name}).text
        assert f'<option value="{name}" selected>' in page
        assert re.search(rf'<article [^>]*data-run="{name}"', page), "its own last image is open"
    assert client.get("/?run=secon").status_code == 404
    library.close()


def test_a_further_method_is_added(client: TestClient, trained: Run) -> None:
    key, run = one(client, trained), {"run": trained.name}
    wait(client, client.post(f"/app/images/{key}/explain", data=run))
    done = wait(
        client, client.post(f"/app/images/{key}/explain", data={**run, "method": "gradcam++"})
    )
    assert done["state"] == "done", done
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert 'value="gradcam++"' in told["parts"]["controls"]
    assert 'data-method="gradcam++"' not in told["parts"]["further"]
    assert 'data-method="occlusion"' in told["parts"]["further"]
    assert 'data-method="attention-rollout"' not in told["parts"]["further"], "it has no attention"
    assert f'value="{EXPLAINED_WITH}"' in told["parts"]["controls"], "the others stay"
    address = re.search(r'src="([^"]*gradcam%2B%2B[^"]*)"', told["parts"]["layers"])
    assert address
    assert client.get(address.group(1).replace("&amp;", "&")).status_code == 200


def test_the_method_of_the_audit_can_be_asked_for(client: TestClient, trained: Run) -> None:
    key, run = one(client, trained), {"run": trained.name}
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert 'data-method="auto"' in told["parts"]["further"]
    done = wait(client, client.post(f"/app/images/{key}/explain", data={**run, "method": "auto"}))
    assert done["state"] == "done", done
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert "no audit was made of it" in told["parts"]["about"]
    assert 'value="gradcam"' in told["parts"]["controls"]
    assert 'data-method="auto"' not in told["parts"]["further"]
    record = client.get(f"/app/images/{key}/report.json", params=run).json()
    assert "no audit was made of it" in record["cases"][0]["chosen"]


def test_why_no_map_is_there_is_said() -> None:
    card = {"maps": [], "left_out": [], "chosen": "", "likeness": [], "explained": True}
    nothing = "No map is there"
    assert nothing in templating.part("about.html.j2", card=card)
    assert nothing not in templating.part("about.html.j2", card={**card, "explained": False})
    left_out = {**card, "left_out": [("gradcam", "It ignores the weights.")]}
    told = templating.part("about.html.j2", card=left_out)
    assert "gradcam is not shown: do not use it. It ignores the weights." in told
    assert nothing not in told


def test_a_note_on_a_run_speaks_of_no_command() -> None:
    noted = a_case(notes=("It was trained elsewhere. Believe other data: zoo evaluate --data.",))
    assert cards.answer_part(noted, 1)["notes"] == ["It was trained elsewhere."]


def test_maps_that_mark_other_places_hold_up_no_more() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    maps = (Attribution("gradcam", 1, ramp), Attribution("saliency", 1, 1 - ramp))
    good = {one.method: Trust("holds up", "Good.", (), depends=True) for one in maps}
    reading = Reading(a_case(explanations=maps[:1], trust=good), positive=1)
    assert reading.shown.trust["gradcam"].level == "holds up"
    reading.add(a_case(explanations=maps[1:]))
    assert reading.shown.trust["gradcam"].level == "weak"
    assert "saliency" in reading.shown.trust["gradcam"].reason
    assert reading.case.trust["gradcam"].level == "holds up", "another map may agree yet"
    another = {"lime": Trust("weak", "Weak.", (), depends=True)}
    reading.add(a_case(explanations=(Attribution("lime", 1, 2 * ramp),), trust=another))
    assert reading.shown.trust["gradcam"].level == "holds up"


def test_the_reports(client: TestClient, trained: Run) -> None:
    key, run = one(client, trained, "Müller X.png"), {"run": trained.name}
    wait(client, client.post(f"/app/images/{key}/explain", data=run))
    address = f"/app/images/{key}/report"
    page = client.get(f"{address}.html", params=run)
    assert DISCLAIMER in page.text
    assert EXPLAINED_WITH in page.text
    assert page.headers["content-disposition"].startswith("attachment;")
    assert "M%C3%BCller%20X-report.html" in page.headers["content-disposition"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    record = client.get(f"{address}.json", params=run).json()
    assert record["disclaimer"] == DISCLAIMER
    assert EXPLAINED_WITH in {one["method"] for one in record["cases"][0]["maps"]}
    assert client.get(f"{address}.pdf", params=run).content.startswith(b"%PDF")
    assert client.get(f"{address}.exe", params=run).status_code == 404


def test_nobody_else_sees_an_image_or_its_work(client: TestClient, app: Any, trained: Run) -> None:
    key, run = one(client, trained), {"run": trained.name}
    started = client.post(f"/app/images/{key}/explain", data=run)
    task = wait(client, started)["id"]
    other = TestClient(app, base_url=LOCAL)
    paths = ("picture", "thumbnail", "values", "card", f"maps/{EXPLAINED_WITH}", "report.html")
    for path in (*paths, "explanation", "comparison"):
        assert other.get(f"/app/images/{key}/{path}", params=run).status_code == 404, path
    assert other.post(f"/app/images/{key}/explain", data=run).status_code == 404
    assert other.get(f"/read/{key}", params=run).status_code == 404
    assert other.get(f"/app/tasks/{task}").status_code == 404
    assert other.post(f"/app/tasks/{task}/cancel").status_code == 404
    assert key not in other.get("/").text


def test_images_are_there_again_until_they_are_forgotten(client: TestClient, trained: Run) -> None:
    key = one(client, trained)
    assert key in client.get("/").text
    assert client.post("/app/forget").json() == {"forgotten": True}
    assert key not in client.get("/").text
    assert client.get(f"/app/images/{key}/picture").status_code == 404
    refused = client.post(f"/app/images/{key}/explain", data={"run": trained.name})
    assert "not here any more" in refused.json()["error"]


def test_a_slow_method_is_cancelled_between_its_passes(
    client: TestClient, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapley._shap()  # it is compiled for a while, which nobody can end
    key, run = one(client, trained), {"run": trained.name}
    quickly, seconds = TrainedClassifier.logits, [0.0]
    second, go_on = threading.Event(), threading.Event()

    def slowly(
        classifier: TrainedClassifier, pixels: np.ndarray, boxes: np.ndarray | None = None
    ) -> np.ndarray:
        if seconds[0]:
            second.set()
            assert go_on.wait(SECONDS)
        seconds[0] = 3.5
        return quickly(classifier, pixels, boxes)

    monkeypatch.setattr(TrainedClassifier, "logits", slowly)
    monkeypatch.setattr(readings, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    slow = client.post(f"/app/images/{key}/explain", data={**run, "method": "shap"}).json()
    assert second.wait(SECONDS)
    told = client.get(f"/app/tasks/{slow['id']}").json()
    assert (told["state"], told["done"], told["total"]) == ("running", 3, 5), "of its budget"
    cancelling = client.post(f"/app/tasks/{slow['id']}/cancel")
    go_on.set()
    assert wait(client, cancelling)["state"] == "cancelled"
    told = client.get(f"/app/images/{key}/explanation", params=run).json()
    assert 'value="shap"' not in told["parts"]["controls"], "it did not go on to its end"


def a_case(**changes: Any) -> Case:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    values: dict[str, Any] = {
        "name": "x.png",
        "run": "a-run",
        "pixels": np.zeros((64, 64, 3), np.uint8),
        "probabilities": (0.3, 0.7),
        "predicted": 1,
        "class_names": ("NORMAL", "PNEUMONIA"),
        "threshold": 0.43,
        "explanations": (Attribution("gradcam", 1, ramp),),
    }
    return Case(**(values | changes))


def test_a_layer_has_the_proportions_of_the_picture() -> None:
    layers = [
        Image.open(io.BytesIO(cards.layer(case, case.attributions[0])))
        for case in (a_case(), a_case(shape=(300, 450)))
    ]
    assert [layer.size for layer in layers] == [(64, 64), (96, 64)]


def test_the_operating_point_stands_on_the_bar_of_its_class() -> None:
    told = cards.answer_part(a_case(), positive=1)
    marks = {bar["name"]: bar["threshold"] for bar in told["bars"]}
    assert marks == {"PNEUMONIA": 0.43, "NORMAL": None}
    shares = [bar["share"] for bar in told["bars"]]
    assert shares == sorted(shares, reverse=True)


def test_a_map_that_ignores_the_network_is_shown_only_when_asked_for() -> None:
    useless = Trust("do not use", "It is the same for a random network.", (), depends=False)
    reading = Reading(a_case(), positive=1)
    assert [one.method for one in reading.unjudged] == ["gradcam"]
    reading.add(a_case(explanations=(), trust={"gradcam": useless}))
    assert reading.shown.explanations == ()
    assert reading.unjudged == ()
    reading.asked.add("gradcam")
    assert len(reading.shown.explanations) == 1


def test_a_case_has_an_address_while_its_image_is_kept(client: TestClient, trained: Run) -> None:
    key = one(client, trained, "first one.png")
    one(client, trained, "second.png")
    (address,) = re.findall(rf'href="(/read/{key}[^"]*)"', client.get("/").text)
    page = client.get(address)
    assert "<title>first one.png" in page.text
    assert page.text.count('class="row"') == 2
    assert f'data-image="{key}"' in page.text
    client.post("/app/forget")
    gone = client.get(address, headers={"Accept": "text/html"})
    assert gone.status_code == 404
    assert "not here any more" in gone.text


def test_the_list_as_a_table_and_as_one_report(client: TestClient, trained: Run) -> None:
    read(client, trained.name, ("=cmd.png", png()), ("b.png", png(1)))
    table = list(csv.reader(io.StringIO(client.get("/app/list.csv").text)))
    assert table[0] == list(worklist.HEADINGS)
    assert [row[0] for row in table[1:]] == ["'=cmd.png", "b.png"], "no name is a formula"
    chance = float(table[1][table[0].index("probability")])
    assert 0 <= chance <= 1
    page = client.get("/app/list.html", params={"run": trained.name})
    assert "b.png" in page.text
    assert DISCLAIMER in page.text
    assert client.get("/app/list.html", params={"run": "none"}).status_code == 404


def test_an_example_is_read_and_its_name_tells_no_class(client: TestClient, trained: Run) -> None:
    shown = [client.get(f"/app/examples/{number}").content for number in range(4)]
    assert len(set(shown)) == 4
    told = client.post("/app/read-example", data={"run": trained.name, "number": 1}).json()
    assert "example-2.png" in told["card"]
    key = key_of(told["card"])
    assert client.get(f"/app/images/{key}/picture").status_code == 200
    for number in (-1, 4):
        data = {"run": trained.name, "number": number}
        assert client.post("/app/read-example", data=data).status_code == 404


def test_what_was_measured_is_told_before_the_next_use(client: TestClient, trained: Run) -> None:
    run = {"run": trained.name}
    first = one(client, trained)
    for work in ("explain", "judge"):
        wait(client, client.post(f"/app/images/{first}/{work}", data={**run, "method": "lime"}))
    second = one(client, trained)
    wait(client, client.post(f"/app/images/{second}/explain", data=run))
    told = client.get(f"/app/images/{second}/explanation", params=run).json()
    lime = told["parts"]["further"].partition('data-method="lime"')[2]
    assert re.search(r"about \d+ (s|min) with its verdict", lime.partition("</li>")[0])


def test_the_values_of_a_deep_file_are_sent_and_of_others_none(
    client: TestClient, trained: Run
) -> None:
    key = one(client, trained)
    assert client.get(f"/app/images/{key}/values").status_code == 204
    buffer = io.BytesIO()
    ramp = np.tile(np.linspace(0, 65_535, 96).astype(np.uint16), (64, 1))
    Image.fromarray(ramp).save(buffer, "PNG")
    deep = key_of(read(client, trained.name, ("deep.png", buffer.getvalue()))["card"])
    answer = client.get(f"/app/images/{deep}/values")
    told = json.loads(answer.headers["x-picture"])
    assert (told["width"], told["height"]) == (96, 64)
    assert (told["black"], told["white"]) == (0, 65_535)
    assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(64, 96), ramp)


def test_a_deep_file_is_shown_at_the_depth_at_which_its_run_read_it(
    run_copy: Path, tiny_registry: Registry
) -> None:
    record = json.loads((run_copy / "run.json").read_text())
    record["data"]["bits"] = 12
    (run_copy / "run.json").write_text(json.dumps(record))
    ramp, buffer = np.tile(np.linspace(0, 4095, 96).astype(np.uint16), (64, 1)), io.BytesIO()
    Image.fromarray(ramp).save(buffer, "PNG")
    client = TestClient(create(Library(run_copy.parent, registry=tiny_registry)), base_url=LOCAL)
    image = key_of(read(client, run_copy.name, ("deep.png", buffer.getvalue()))["card"])
    shown = Image.open(io.BytesIO(client.get(f"/app/images/{image}/picture").content))
    assert np.asarray(shown).max() > 250
    values = client.get(f"/app/images/{image}/values")
    assert json.loads(values.headers["x-picture"])["white"] == 4095


def test_the_first_page_is_there_when_the_run_of_the_last_image_is_gone(
    run_copy: Path, tiny_registry: Registry
) -> None:
    client = TestClient(create(Library(run_copy.parent, registry=tiny_registry)), base_url=LOCAL)
    read(client, run_copy.name, ("one.png", png()))
    run_copy.rename(run_copy.with_name("new"))
    page = client.get("/")
    assert page.status_code == 200
    assert "one.png" in page.text
    assert '<option value="new" selected>' in page.text
