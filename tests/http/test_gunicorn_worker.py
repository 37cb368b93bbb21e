"""The API behind real gunicorn: what arrives over sockets from clients that are broken or hostile."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from app.domains.banking.api import WEBHOOK_PATH
from app.storage.links import PATH as FILES_PATH
from app.storage.links import Link, signed
from app.storage.local import LocalStore
from tests import preloaded
from tests.api_client import new_token
from tests.conftest import configured
from tests.domains.banking.linking import point_at
from tests.fakes.plaid import FakePlaid
from tests.fakes.plaid.signing import SigningKey, sign
from tests.servers import free_port, stop, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import RedisServer

MEBIBYTE = 1024 * 1024


class Server:
    """gunicorn with one process, and a token for it."""

    def __init__(self, *, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self.token = new_token().secret
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as output:
            # Not in the checkout, whose own settings say where `scripts/up` logs.
            self.process = preloaded.start(
                "app", "serve", environment=os.environ, folder=log.parent, log=output.fileno()
            )
        try:
            wait_until(self.answers, seconds=30, what="the API answers")
        except AssertionError:
            stop(self.process)
            raise

    def answers(self) -> bool:
        try:
            with self.connect() as connection:
                connection.sendall(self.head(method="GET", path="/livez"))
                return status_and_body(connection)[0] == 200
        except OSError:
            return False

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def head(self, *lines: str, method: str = "POST", path: str = "/api/v1/jobs") -> bytes:
        start = [f"{method} {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {self.token}"]
        return "\r\n".join([*start, "Content-Type: application/json", *lines, "", ""]).encode()

    def memory(self) -> int:
        """The most memory any of its processes has had, in bytes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        peaks = [
            Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0] for pid in children
        ]
        return max(int(peak) for peak in peaks) * 1024


@pytest.fixture(scope="module")
def server(
    sqlite_template: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that is left running."""
    folder = tmp_path_factory.mktemp("served")
    database = shutil.copyfile(sqlite_template, folder / "groundwork.db")
    with running(folder, database_url=f"sqlite:///{database}", redis_url=redis_server.url) as started:
        yield started


@pytest.fixture(scope="module")
def hasty(
    sqlite_template: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One that does not wait long for the rest of a request."""
    folder = tmp_path_factory.mktemp("hasty")
    url = f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'groundwork.db')}"
    with running(folder, database_url=url, redis_url=redis_server.url, api_request_seconds=1) as started:
        yield started


@pytest.fixture
def stopping(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[Server]:
    """A server that the test stops."""
    with running(tmp_path, database_url=sqlite_url, redis_url=redis_url) as started:
        yield started


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[Server]:
    port = free_port()
    with configured(folder, api_port=port, api_workers=1, **settings):
        started = Server(port=port, log=folder / "api.log")
    try:
        yield started
    finally:
        stop(started.process)
    assert "Traceback" not in started.log.read_text()


def status_and_body(connection: socket.socket) -> tuple[int, bytes]:
    """The first response on a connection; its status is 0 when there is none."""
    received = b""
    while True:
        head, separator, body = received.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if separator and len(body) >= int(length or 0):
            return int(head.split()[1]), body
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return (int(head.split()[1]) if head else 0), body
        received += part


def test_a_large_body_is_refused_by_its_announcement_alone(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(server.head(f"Content-Length: {100 * MEBIBYTE}"))
        status, body = status_and_body(connection)
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_an_endless_body_is_refused_while_it_arrives_and_not_kept(server: Server) -> None:
    before = server.memory()
    chunk = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    sent = 0
    with server.connect() as connection:
        connection.sendall(server.head("Transfer-Encoding: chunked"))
        connection.setblocking(False)
        received = b""
        while sent < 100 * MEBIBYTE and b"\r\n\r\n" not in received:
            try:
                sent += connection.send(chunk)
            except BlockingIOError:
                time.sleep(0.001)
            except (BrokenPipeError, ConnectionResetError):
                break
            try:
                received += connection.recv(65536)
            except BlockingIOError:
                continue
    assert received.startswith(b"HTTP/1.1 413")
    assert sent < 20 * MEBIBYTE
    assert server.memory() - before < 20 * MEBIBYTE


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (["Transfer-Encoding: chunked"], b"%x\r\n" % (300 * 1024) + b" " * (300 * 1024), 413),
        ([f"Content-Length: {100 * MEBIBYTE}"], b"", 413),
        (["Content-Length: -1"], b"", 400),
    ],
)
def test_who_goes_on_sending_after_a_refusal_can_still_read_it(
    server: Server, head: list[str], body: bytes, expected: int
) -> None:
    with server.connect() as connection:
        connection.sendall(server.head(*head) + body)
        assert connection.recv(1, socket.MSG_PEEK) == b"H"
        for _ in range(20):
            connection.sendall(b" " * 65536)
        assert status_and_body(connection)[0] == expected
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_who_never_stops_sending_after_a_refusal_is_hung_up_on(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(server.head(f"Content-Length: {100 * MEBIBYTE}"))
        assert status_and_body(connection)[0] == 413
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_for_ever(connection, seconds=10)


def send_for_ever(connection: socket.socket, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection.sendall(b" ")
        time.sleep(0.01)


#: Header lines, body, and the answers that are right; 0 is none.
LIES: list[tuple[list[str], bytes, set[int]]] = [
    # Less announced than sent: the first byte is the body, the rest no request.
    (["Content-Length: 1"], b'{"task": 1}', {400}),
    # More announced than sent, and no more to come: there is nobody to answer.
    (["Content-Length: 50"], b"{}", {0, 400, 408}),
    (["Content-Length: -1"], b"", {400}),
    (["Content-Length: 1e3"], b"", {400}),
    (["Content-Length: 2", "Content-Length: 3"], b"{}", {400}),
    (["Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n", {400}),
    (["Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", {0, 400, 408}),
    (["Transfer-Encoding: gzip, chunked"], b"2\r\n\x1f\x8b\r\n0\r\n\r\n", {400, 501}),
    (["X-Request-ID: a\rX-Evil: 1", "Content-Length: 2"], b"{}", {400}),
]


def test_a_request_that_lies_about_itself_harms_nobody(server: Server) -> None:
    for lines, body, expected in LIES:
        with server.connect() as connection:
            connection.sendall(server.head(*lines) + body)
            if 0 in expected:
                connection.shutdown(socket.SHUT_WR)
            assert status_and_body(connection)[0] in expected, lines
        assert server.answers()


#: What is refused before there is a request that the application could see.
REFUSED: dict[bytes, tuple[int, str]] = {
    b"nonsense\r\n\r\n": (400, "malformed_request"),
    b"GET / HTTP/9.9\r\n\r\n": (400, "malformed_request"),
    b"GET / HTTP/1.1\r\nHost: a\r\nsp ace: b\r\n\r\n": (400, "malformed_request"),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": (400, "malformed_request"),
    b"GET /?" + b"a" * 5_000 + b" HTTP/1.1\r\n\r\n": (414, "uri_too_long"),
    b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n": (431, "headers_too_large"),
    b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n": (431, "headers_too_large"),
    b"POST / HTTP/1.1\r\nTransfer-Encoding: x, chunked\r\n\r\n": (501, "not_implemented"),
}


def test_what_gunicorn_refuses_by_itself_is_a_problem_document_too(server: Server) -> None:
    for sent, expected in REFUSED.items():
        with server.connect() as connection:
            connection.sendall(sent)
            received = b""
            while part := connection.recv(65536):
                received += part
        head, _, body = received.partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head.lower(), sent[:40]
        document = json.loads(body)
        assert (document["status"], document["code"]) == expected, sent[:40]
        assert f"x-request-id: {document['request_id']}".encode() in head.lower()
        assert document["request_id"] in server.log.read_text()
    assert server.answers()


def test_a_websocket_is_refused_over_the_wire(server: Server) -> None:
    lines = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    with server.connect() as connection:
        connection.sendall(server.head(*lines, method="GET"))
        assert status_and_body(connection)[0] == 403


def test_the_rest_of_a_request_is_not_waited_for_without_end(hasty: Server) -> None:
    parts = {
        hasty.head()[:40]: "request_incomplete",
        hasty.head("Content-Length: 50") + b"{": "body_incomplete",
        hasty.head("Transfer-Encoding: chunked") + b"5\r\nab": "body_incomplete",
    }
    for part, code in parts.items():
        with hasty.connect() as connection:
            connection.sendall(part)
            status, body = status_and_body(connection)
            assert (status, json.loads(body)["code"]) == (408, code)
            assert connection.recv(1) == b"", "the connection is closed"
    with hasty.connect() as connection:
        assert connection.recv(1) == b"", "nothing was asked, so nothing is answered"
    with hasty.connect() as connection:
        connection.sendall(hasty.head(method="GET", path="/livez") * 2 + hasty.head()[:40])
        received = b""
        while more := connection.recv(65536):
            received += more
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"408"]


def test_a_body_that_drips_has_one_bound_for_all_of_it(hasty: Server) -> None:
    with hasty.connect() as connection:
        connection.sendall(hasty.head("Content-Length: 5000"))
        connection.settimeout(0.1)
        for _ in range(100):
            connection.sendall(b" ")
            with suppress(TimeoutError):
                assert connection.recv(12) == b"HTTP/1.1 408"
                return
    raise AssertionError("ten seconds are more than one")


def test_a_stopping_server_waits_neither_for_scrapers_nor_for_the_rest_of_requests(stopping: Server) -> None:
    with (
        stopping.client() as scraper,
        stopping.connect() as silent,
        stopping.connect() as half_head,
        stopping.connect() as half_body,
    ):
        assert scraper.get("/livez").status_code == 200
        half_head.sendall(stopping.head()[:40])
        half_body.sendall(stopping.head("Content-Length: 50") + b"{")
        began = time.monotonic()
        stopping.process.send_signal(signal.SIGTERM)
        status, body = status_and_body(half_body)
        assert (status, json.loads(body)["code"]) == (408, "body_incomplete")
        assert silent.recv(1) == half_head.recv(1) == b""
        stopping.process.wait(timeout=stretched(30))
    assert time.monotonic() - began < stretched(15)


def test_webhooks_that_name_keys_while_plaid_is_silent_hold_up_nobody(
    sqlite_url: str, redis_url: str, tmp_path: Path
) -> None:
    with (
        FakePlaid() as plaid,
        running(tmp_path, database_url=sqlite_url, redis_url=redis_url, **point_at(plaid)) as server,
        # Each with its own connection: one that is kept may be closed just when the next request takes it.
        httpx.Client(
            base_url=server.url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)
        ) as stranger,
        server.client() as client,
        ThreadPoolExecutor(60) as pool,
    ):
        held = plaid.faults.hold("/webhook_verification_key/get")

        def forged(_: int) -> int:
            signed = sign(b"{}", key=SigningKey())
            return stranger.post(WEBHOOK_PATH, content=signed.body, headers=signed.headers).status_code

        try:
            answers = [pool.submit(forged, number) for number in range(60)]
            wait_until(lambda: any(one.done() for one in answers), seconds=30, what="one is answered")
            assert client.get("/api/v1/jobs").status_code == 200
        finally:
            held.release()
        assert {one.result() for one in answers} == {401, 503}


def test_many_stuck_bodies_do_not_hold_up_others(server: Server) -> None:
    stuck = [server.connect() for _ in range(50)]
    for connection in stuck:
        connection.sendall(server.head("Content-Length: 50") + b"{")
    began = time.monotonic()
    assert server.answers()
    assert time.monotonic() - began < stretched(1)
    for connection in stuck:
        connection.close()


def test_progress_is_streamed_as_it_happens(server: Server) -> None:
    with server.client() as client:
        body = {"task": "pricing.recompute_all_discounts"}
        url = client.post("/api/v1/jobs", json=body).json()["url"]
        with client.stream("GET", f"{url}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: job"
            assert client.post(f"{url}/cancel").status_code == 200
            assert "event: end" in list(lines)


def test_a_stopping_server_does_not_wait_for_those_who_follow_a_job(stopping: Server) -> None:
    with stopping.client() as client:
        body = {"task": "pricing.recompute_all_discounts"}
        url = client.post("/api/v1/jobs", json=body).json()["url"]
        with client.stream("GET", f"{url}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: job"
            began = time.monotonic()
            stopping.process.send_signal(signal.SIGTERM)
            assert "event: end" not in list(lines)
    stopping.process.wait(timeout=stretched(30))
    assert time.monotonic() - began < stretched(10)


def test_the_log_has_a_line_for_a_request_under_its_id(server: Server) -> None:
    with server.client() as client:
        client.get("/api/v1/nowhere", headers={"X-Request-ID": "order-7"})
    lines = wait_until(
        lambda: [line for line in server.log.read_text().splitlines() if "order-7" in line],
        seconds=5,
        what="the request is logged",
    )
    assert json.loads(lines[0])["status"] == 404


def test_a_download_that_broke_off_goes_on_and_no_log_has_its_link(server: Server) -> None:
    content = bytes(range(256)) * (8 * MEBIBYTE // 256)
    LocalStore(server.log.parent / "var/storage").put("file", [content], limit=len(content))
    token = signed(Link(key="file", filename="a", media_type="a/b", until=int(time.time()) + 60))
    link = f"{server.url}{FILES_PATH}?token={token}"
    with httpx.stream("GET", link) as begun:
        first = next(begun.iter_raw(65536))
    rest = httpx.get(link, headers={"Range": f"bytes={len(first)}-", "If-Range": begun.headers["etag"]})

    assert (begun.status_code, rest.status_code) == (200, 206)
    assert first + rest.content == content
    logged = server.log.read_text()
    assert FILES_PATH in logged
    assert token[:20] not in logged
