"""The files of docs/service: nginx before the service, a systemd unit, a container."""

from __future__ import annotations

import base64
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from zoo.base.registry import Registry
from zoo.web.app.site import create
from zoo.web.service.addresses import parse_networks
from zoo.web.service.library import Library
from zoo.web.service.security import Password

FILES = Path(__file__).parents[3] / "docs" / "service"
SECONDS = 600
NAME = "zoo.example.org"
PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
NGINX, OPENSSL = shutil.which("nginx", path=PATHS), shutil.which("openssl")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def replaced(text: str, changes: dict[str, Any]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, str(new))
    return text


@pytest.fixture
def proxy(
    tmp_path: Path, served: Any, until: Any, tiny_registry: Registry
) -> Iterator[tuple[int, int, Path]]:
    """Start nginx with a certificate of its own before an application; give its two ports."""
    if NGINX is None or OPENSSL is None:
        pytest.skip("there is no nginx, or no openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        f"/CN={NAME}",
    ]
    names = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([OPENSSL, *request, *names], check=True, capture_output=True)  # noqa: S603
    (tmp_path / "runs").mkdir()
    library = Library(tmp_path / "runs", registry=tiny_registry)
    app = create(library, auth=Password.parse("ann:pw"), hosts=None)
    with served(app, parse_networks("127.0.0.1")) as address:
        plain, secure = free_port(), free_port()
        site = replaced(
            (FILES / "nginx.conf").read_text(),
            {
                "listen 443 ssl": f"listen 127.0.0.1:{secure} ssl",
                "listen 80": f"listen 127.0.0.1:{plain}",
                "/etc/ssl/zoo.example.org.pem": certificate,
                "/etc/ssl/private/zoo.example.org.key": key,
                "127.0.0.1:8000": urlsplit(address).netloc,
            },
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind}; " for kind in kinds)
        (tmp_path / "site.conf").write_text(site)
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp_path}/pid; error_log stderr; events {{}} "
            f"http {{ access_log off; {temporary} include {tmp_path}/site.conf; }}"
        )
        command = [NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603
            try:
                until(lambda: listens(secure))
                yield plain, secure, certificate
            finally:
                process.terminate()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except OSError:
        return False
    return True


class Through(http.client.HTTPSConnection):
    """A connection from an address of this machine, through the proxy, its certificate checked."""

    def __init__(self, port: int, certificate: Path, source: str) -> None:
        context = ssl.create_default_context(cafile=str(certificate))
        super().__init__(NAME, port, timeout=SECONDS, source_address=(source, 0), context=context)
        self._checked = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), SECONDS, self.source_address)
        self.sock = self._checked.wrap_socket(plain, server_hostname=NAME)


def test_nginx_with_tls_before_the_application(proxy: tuple[int, int, Path]) -> None:
    plain, secure, certificate = proxy

    def asked(
        path: str,
        password: str = "",
        source: str = "127.0.0.2",
        method: str = "GET",
        **headers: str,
    ) -> http.client.HTTPResponse:
        if password:
            headers["Authorization"] = "Basic " + base64.b64encode(password.encode()).decode()
        connection = Through(secure, certificate, source)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    assert asked("/health").status == 200
    assert asked("/runs").status == 401
    inside = asked("/", "ann:pw")
    assert (inside.status, "max-age" in str(inside.headers["Strict-Transport-Security"])) == (
        200,
        True,
    )
    assert "; secure" in str(inside.headers["Set-Cookie"]).lower()
    own = {"Origin": f"https://{NAME}:{secure}"}
    assert asked("/app/forget", "ann:pw", method="POST", **own).status == 200
    assert (
        asked("/app/forget", "ann:pw", method="POST", Origin="https://evil.example").status == 403
    )
    told = [
        asked("/runs", "ann:guess", **{"X-Forwarded-For": f"192.0.2.{n}"}).status for n in range(4)
    ]
    assert told == [401, 401, 401, 429]  # it cannot claim another address
    assert asked("/runs", "ann:pw", source="127.0.0.3").status == 200
    redirected = http.client.HTTPConnection("127.0.0.1", plain, timeout=SECONDS)
    redirected.request("GET", "/runs", headers={"Host": NAME})
    response = redirected.getresponse()
    assert (response.status, response.headers["Location"]) == (301, f"https://{NAME}/runs")
    redirected.close()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_the_systemd_unit_is_valid(tmp_path: Path) -> None:
    text = (FILES / "xray-zoo.service").read_text()
    unit = tmp_path / "xray-zoo.service"
    unit.write_text(replaced(text, {"/opt/xray-zoo/bin/zoo": sys.executable}))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_of_the_files_are_those_that_there_are() -> None:
    from zoo.cli.serve import command

    unit = re.search(r"ExecStart=\S+ serve (.*)", (FILES / "xray-zoo.service").read_text())
    container = re.search(r'CMD (\["serve".*\])', (FILES / "Containerfile").read_text())
    assert unit is not None
    assert container is not None
    arguments = unit[1].replace("${CREDENTIALS_DIRECTORY}", "/run").split()
    command.make_context("serve", arguments)
    command.make_context("serve", re.findall(r'"([^"]+)"', container[1])[1:])
