"""Many clients at once on `zoo serve`, beside the network alone; then what is malformed.

    python benchmarks/load.py --run RUN [--images FOLDER] [--clients 20] [--seconds 60]

The network alone is measured first, in this process, on the same files: read, answered one at a
time and in batches. Then a server is started on loopback and asked by `clients` at once, each with
one image a request, and again and again. Then it is sent 200 malformed uploads and requests. The
exit code is 1 when any good request failed, or any malformed one was answered with 500 or not at
all, or the server's memory grew by more than GROWTH.
"""

from __future__ import annotations

import argparse
import http.client
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

GROWTH = 100
"""Megabytes."""
WARM_UP = 40
Request = tuple[str, str, bytes, dict[str, str]]


def form(content: bytes, name: str = "x.png", **fields: str) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of a form with one file."""
    mark = "boundary-of-the-benchmark"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    disposition = f'Content-Disposition: form-data; name="files"; filename="{name}"'
    parts.append(f"--{mark}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n")
    parts.append(f"--{mark}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={mark}"}


def pictures(folder: Path | None) -> list[bytes]:
    """Return image files: of a folder, or synthetic ones."""
    from zoo.base.pictures import pixel_arrays
    from zoo.base.registry import load_registry
    from zoo.data import queries

    if folder is not None:
        return [path.read_bytes() for path in queries.find_images([folder])[:200]]
    made = load_registry().dataset("phantom?images=64&seed=9")
    return [pixel_arrays.encode_jpeg(made.read(sample, None)) for sample in made.samples]


def alone(run_name: Path, contents: list[bytes], seconds: float) -> tuple[float, float]:
    """Return images a second of the network alone: one at a time, and 32 at a time."""
    from zoo.runs import run_folder
    from zoo.web.service.engine import Engine
    from zoo.web.service.limits import Limits
    from zoo.web.service.uploads import accept

    limits = Limits()
    engine = Engine(run_folder.open_run(run_name), limits)
    uploads = [accept(content, "x.png", limits) for content in contents]
    rates = []
    for batch in (1, 32):
        start, done = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            engine.predict([uploads[(done + i) % len(uploads)] for i in range(batch)])
            done += batch
        rates.append(done / (time.monotonic() - start))
    return rates[0], rates[1]


class Server:
    """A `zoo serve` process on a free port of loopback."""

    def __init__(self, run: Path) -> None:
        start = "from zoo.cli import main; main()"
        command = [sys.executable, "-c", start, "serve", "--run", str(run), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(line.rsplit("/docs", 1)[0].rsplit(":", 1)[1])
        while self.ask("GET", "/health/ready")[0] != 200:
            time.sleep(0.5)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is kept open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request on a connection of its own; status 0 when the server hung up."""
        connection = self.connect()
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def raw(self, content: bytes) -> int:
        """Send bytes that may not be HTTP; return the status, 0 when the server hung up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as link:
            link.sendall(content)
            link.shutdown(socket.SHUT_WR)
            answer = link.recv(4096).split(b" ", 2)
        return int(answer[1]) if len(answer) > 2 and answer[1].isdigit() else 0

    def memory(self) -> float:
        """Return the megabytes that the server holds."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(30)


def load(
    server: Server, contents: list[bytes], clients: int, seconds: float
) -> list[tuple[int, float]]:
    """Return status and seconds of every request that the clients sent."""
    results: list[tuple[int, float]] = []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        connection, order = server.connect(), random.Random(number)  # noqa: S311
        while time.monotonic() < end:
            body, headers = form(order.choice(contents))
            start = time.monotonic()
            try:
                connection.request("POST", "/predict", body, headers)
                response = connection.getresponse()
                response.read()
                status = response.status
            except (OSError, http.client.HTTPException):
                status = 0
                connection.close()
            results.append((status, time.monotonic() - start))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def promised(width: int, height: int) -> bytes:
    """Return a small PNG file that says it has many pixels, and unpacks to many bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(50_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def malformed(contents: list[bytes], count: int, seed: int = 0) -> list[Request | bytes]:
    """Return requests of which none is as it should be; bytes are sent as they are."""
    order = random.Random(seed)  # noqa: S311

    def damaged() -> bytes:
        content = bytearray(order.choice(contents))
        for _ in range(order.randint(1, 30)):
            content[order.randrange(min(len(content), 600))] = order.randrange(256)
        return bytes(content[: order.randrange(len(content))])

    good = contents[0]
    made: list[Request | bytes] = []
    makers = [
        lambda: ("POST", "/predict", *form(damaged(), "../../etc/passwd")),
        lambda: ("POST", "/explain", *form(damaged(), trust="false", methods="gradcam")),
        lambda: ("POST", "/predict", *form(order.randbytes(order.randint(0, 2000)), "x.dcm")),
        lambda: ("POST", "/predict", *form(b"")),
        lambda: ("POST", "/predict", *form(bytes(128) + b"DICM" + order.randbytes(500), "x.dcm")),
        lambda: ("POST", "/predict", *form(promised(9_000, 9_000))),
        lambda: ("POST", "/predict", *form(promised(60_000, 60_000))),
        lambda: ("POST", "/predict", *form(good, run=order.choice(["../x", "/etc", "..", "%2e"]))),
        lambda: ("POST", "/predict", *form(good, prevalence=order.choice(["nan", "7", "x"]))),
        lambda: ("POST", "/explain", *form(good, methods=f"none{order.random()}")),
        lambda: ("POST", "/predict", order.randbytes(500), form(b"")[1]),
        lambda: ("POST", "/predict", b'{"files": 1}', {"Content-Type": "application/json"}),
        lambda: ("POST", "/predict", *form(bytes(65_000_000))),
        lambda: ("GET", f"/../../etc/passwd?{order.random()}", b"", {}),
        lambda: ("GET", "/runs", b"", {"Host": "evil.example"}),
        lambda: ("PUT", "/predict", order.randbytes(100), {}),
        lambda: order.randbytes(300) + b"\r\n\r\n",
        lambda: b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nab",
    ]
    while len(made) < count:
        made.append(makers[len(made) % len(makers)]())
    return made


def main() -> int:
    """Measure, print, and tell by the exit code whether all held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="A run folder.")
    parser.add_argument("--images", type=Path, help="A folder of images; default: synthetic ones.")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--malformed", type=int, default=200)
    arguments = parser.parse_args()

    contents = pictures(arguments.images)
    single, batched = alone(arguments.run, contents, min(10, arguments.seconds))
    print(f"{len(contents)} images, {sum(map(len, contents)) / len(contents) / 1000:.0f} kB each")
    print(f"network alone: {single:.1f} images/s one at a time, {batched:.1f} in batches of 32")

    server = Server(arguments.run)
    try:
        load(server, contents, arguments.clients, min(3, arguments.seconds))
        start = time.monotonic()
        results = load(server, contents, arguments.clients, arguments.seconds)
        wall = time.monotonic() - start
        failed = Counter(status for status, _ in results if status != 200)
        times = np.array([taken for status, taken in results if status == 200])
        rate = len(times) / wall
        p50, p95, p99 = 1000 * np.percentile(times, [50, 95, 99])
        print(
            f"{arguments.clients} clients for {wall:.0f} s: {len(results)} requests, "
            f"{sum(failed.values())} failed {dict(failed) or ''}\n"
            f"  {rate:.1f} images/s ({rate / single:.2f} of the network one at a time), "
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms"
        )
        wrong = malformed(contents, arguments.malformed)
        told: Counter[int] = Counter()
        for request in wrong[:WARM_UP]:  # what is kept after the first of a kind is no leak
            server.raw(request) if isinstance(request, bytes) else server.ask(*request)
        before = server.memory()
        for request in wrong:
            told[
                server.raw(request) if isinstance(request, bytes) else server.ask(*request)[0]
            ] += 1
        after = server.memory()
        alive = server.ask("POST", "/predict", *form(contents[0]))[0] == 200
        print(
            f"{len(wrong)} malformed: answers by status {dict(sorted(told.items()))} "
            "(0: the connection was closed)\n"
            f"  server's memory {before:.0f} MB before, {after:.0f} MB after; "
            f"{'it still answers' if alive else 'IT NO LONGER ANSWERS'}"
        )
    finally:
        server.stop()
    held = not failed and told[500] == 0 and alive and after - before < GROWTH
    print("all held" if held else "NOT all held")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
