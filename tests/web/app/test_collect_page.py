"""A data set from the browser: sent, previewed, mended; only where a folder for it was named."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo.base.registry import Registry
from zoo.web.app.site import create
from zoo.web.service.library import Library

PAGE = "/data/sets"
LOCAL = "http://127.0.0.1"
Until = Callable[[Callable[[], Any]], Any]


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


IMAGES = {
    f"{('NORMAL', 'PNEUMONIA')[number % 2]}/p{number // 2}_{number}.png": png(number)
    for number in range(8)
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sets"
    path.mkdir()
    return path


@pytest.fixture
def client(tmp_path: Path, folder: Path, tiny_registry: Registry) -> TestClient:
    app = create(Library(tmp_path, registry=tiny_registry), intake=folder, room=200_000)
    return TestClient(app, base_url=LOCAL, headers={"accept": "application/json"})


def send(client: TestClient, name: str, images: dict[str, bytes]) -> Any:
    return client.post(
        f"{PAGE}/{name}/files",
        data={"paths": list(images)},
        files=[("files", ("file", content)) for content in images.values()],
    )


def sent(client: TestClient, name: str = "mine") -> str:
    told = client.post(PAGE, data={"name": name}).json()
    assert send(client, name, IMAGES).json() == {
        "files": 8,
        "bytes": sum(map(len, IMAGES.values())),
        "aside": 0,
    }
    return str(told["address"])


def test_a_folder_is_sent_previewed_and_ready_to_train_on(client: TestClient) -> None:
    address = sent(client)
    told = client.get(f"{address}/patients", params={"rule": r"(p\d+)_"}).json()
    assert (told["images"], told["patients"]) == (8, 4)
    assert ["NORMAL/p0_0.png", "p0"] in told["examples"]
    assert client.get(f"{address}/patients", params={"rule": "none"}).json()["patients"] == 8
    wrong = client.get(f"{address}/patients", params={"rule": "("})
    assert wrong.status_code == 400
    page = client.post(f"{address}/finish", data={"rule": r"(p\d+)_"})
    assert "8 images of 4 patients" in page.text
    assert page.text.count("data:image/jpeg;base64,") == 8
    assert "mine/mine.csv" in client.get("/train").text
    assert "mine/mine.csv" in client.get("/data").text
    late = send(client, "mine", {"NORMAL/late.png": png(9)})
    assert "is finished" in late.json()["error"]


def test_findings_are_mended_and_taken_back(client: TestClient, folder: Path) -> None:
    address = sent(client)
    client.post(f"{address}/finish", data={"rule": "none"})
    image = "images/NORMAL/p0_0.png"
    page = client.post(f"{address}/change", data={"image": image, "what": "label:PNEUMONIA"})
    assert "Label: PNEUMONIA" in page.text
    assert client.get(f"{address}/picture", params={"image": image}).status_code == 200
    client.post(f"{address}/change", data={"image": image, "what": "leave out"})
    assert "p0_0" not in (folder / "mine" / "mine.csv").read_text()
    assert client.get(f"{address}/picture", params={"image": image}).status_code == 200
    for number in ("1", "0"):
        page = client.post(f"{address}/undo", data={"number": number})
    assert "None yet. A check lists" in page.text
    for what in ("burn", "label:other", "part:test"):
        wrong = client.post(f"{address}/change", data={"image": image, "what": what})
        assert wrong.status_code in (400, 404)
    away = client.post(
        f"{address}/change",
        data={"image": image, "what": "leave out", "back": "//evil.example/data/check/"},
        follow_redirects=False,
    )
    assert away.headers["location"] == address


def test_a_zip_file_comes_in_pieces(client: TestClient, folder: Path, until: Until) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in IMAGES.items():
            archive.writestr(name, content)
    packed, address = buffer.getvalue(), client.post(PAGE, data={"name": "z"}).json()["address"]
    assert client.post(f"{address}/unpack").status_code == 404
    for offset in range(0, len(packed), 3000):
        piece = client.post(
            f"{address}/piece", params={"offset": offset}, content=packed[offset : offset + 3000]
        )
        assert piece.json()["size"] == min(len(packed), offset + 3000)
    wrong = client.post(f"{address}/piece", params={"offset": 5}, content=b"x")
    assert "expected" in wrong.json()["error"]
    task = client.post(f"{address}/unpack").json()["id"]
    ended = until(
        lambda: (
            (told := client.get(f"/app/tasks/{task}").json())["state"] in ("done", "failed")
            and told
        )
    )
    assert ended["result"]["files"] == 8
    assert not (folder / "z" / "sent.zip").exists()


def test_no_more_than_allowed_is_kept(client: TestClient, folder: Path) -> None:
    client.post(PAGE, data={"name": "big"})
    refused = send(client, "big", {"A/1.png": bytes(150_000), "A/2.png": bytes(60_000)})
    assert "left for data sets" in refused.json()["error"]
    piece = client.post(f"{PAGE}/big/piece", params={"offset": 0}, content=bytes(100_000))
    assert "left for data sets" in piece.json()["error"]
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 200_000


def test_names_stay_inside(client: TestClient, folder: Path) -> None:
    for name in ("../out", "", ".hidden", "a/b"):
        assert client.post(PAGE, data={"name": name}).status_code == 400
    client.post(PAGE, data={"name": "mine"})
    refused = send(client, "mine", {"../../out.png": png(0)})
    assert "leads out" in refused.json()["error"]
    assert send(client, "..", {"a.png": png(0)}).status_code in (404, 405)
    assert [path.name for path in folder.parent.rglob("*.png")] == []


def test_a_removed_set_is_gone(client: TestClient, folder: Path) -> None:
    address = sent(client)
    client.post(f"{address}/finish", data={"rule": "none"})
    assert client.post(f"{address}/remove").status_code == 200
    assert list(folder.iterdir()) == []
    assert "mine.csv" not in client.get("/train").text


def test_without_a_folder_none_is_taken(tmp_path: Path, tiny_registry: Registry) -> None:
    client = TestClient(create(Library(tmp_path, registry=tiny_registry)), base_url=LOCAL)
    assert "None are taken here" in client.get("/data").text
    refused = client.post(PAGE, data={"name": "mine"})
    assert refused.status_code == 400
    assert "--collect" in refused.json()["error"]


def test_another_site_sends_nothing(client: TestClient, folder: Path) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post(PAGE, data={"name": "mine"}, headers=headers).status_code == 403
    assert list(folder.iterdir()) == []


def test_a_check_of_it_offers_to_mend(client: TestClient, folder: Path, until: Until) -> None:
    client.post(PAGE, data={"name": "twins"})
    images = {**IMAGES, "PNEUMONIA/copy_99.png": IMAGES["NORMAL/p0_0.png"]}
    send(client, "twins", images)
    client.post(f"{PAGE}/twins/finish", data={"rule": "none"})
    page = client.get(f"{PAGE}/twins").text
    source = page.partition('name="source" value="')[2].partition('"')[0]
    started = client.post("/data/check", data={"source": source}, follow_redirects=False)
    place = started.headers["location"]
    until(lambda: 'id="check"' not in client.get(place).text)
    found = client.get(place).text
    assert "Mend it, image by image" in found
    assert 'value="images/PNEUMONIA/copy_99.png"' in found
    back = client.post(
        f"{PAGE}/twins/change",
        data={
            "image": "images/PNEUMONIA/copy_99.png",
            "what": "leave out",
            "why": "copies",
            "back": f"{place}#finding-1",
        },
        follow_redirects=False,
    )
    assert back.headers["location"] == f"{place}#finding-1"
    assert '<span class="mended">leave out</span>' in client.get(place).text


def test_deep_images_are_shown_at_the_depth_of_their_set(client: TestClient) -> None:
    client.post(PAGE, data={"name": "deep"})
    buffer = io.BytesIO()
    Image.fromarray(np.full((32, 32), 4000, np.uint16)).save(buffer, "PNG")
    send(client, "deep", {name: buffer.getvalue() for name in IMAGES})
    page = client.post(f"{PAGE}/deep/finish", data={"rule": "none"}).text
    tile = page.partition("data:image/jpeg;base64,")[2].partition('"')[0]
    shown = client.get(f"{PAGE}/deep/picture", params={"image": "images/NORMAL/p0_0.png"}).content
    for content in (base64.b64decode(tile), shown):
        assert np.asarray(Image.open(io.BytesIO(content))).min() > 240


def test_a_list_that_changed_meanwhile_leads_to_no_other_set(client: TestClient) -> None:
    for name in ("b", "c"):
        client.post(f"{sent(client, name)}/finish", data={"rule": "none"})
    page = client.get(f"{PAGE}/b").text
    (train,) = re.findall(r'href="(/train\?source=[^"]+)"', page)
    client.post(f"{sent(client, 'a')}/finish", data={"rule": "none"})
    (chosen,) = re.findall(r"<option[^>]* selected>([^<]*b.csv)", client.get(train).text)
    assert chosen.endswith("b/b.csv")
    client.post(f"{PAGE}/b/remove")
    gone = client.get(train)
    assert gone.status_code == 404
    assert "There is no data set" in gone.text
    assert client.post("/data/check", data={"source": chosen}).status_code == 404


def test_a_set_is_not_finished_before_it_is_unpacked(client: TestClient, folder: Path) -> None:
    address = sent(client)
    (folder / "mine" / "sent.zip").write_bytes(b"some")
    for refused in (client.get(f"{address}/patients"), client.post(f"{address}/finish")):
        assert refused.status_code == 400
        assert "is not unpacked" in refused.json()["error"]
