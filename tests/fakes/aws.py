"""AWS as moto plays it, behind a door where calls can be made to fail."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import httpx
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
#: Headers that belong to one connection.
HOP_BY_HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one call meets: an error with AWS's code for it, or an answer that is lost on the way."""

    status: int = 0
    code: str = ""
    #: The call is carried out, and nobody is told.
    loses_answer: bool = False


@dataclass
class AwsServer:
    """Speaks AWS's API from `start` to `close`; `faults` are met by the next calls, one each."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    calls: int = 0
    _moto: ThreadedMotoServer | None = None
    _door: ThreadingHTTPServer | None = None

    def start(self) -> AwsServer:
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._moto.start()
        self._door = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        threading.Thread(target=self._door.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self._door:
            self._door.shutdown()
            self._door.server_close()
        if self._moto:
            self._moto.stop()

    @property
    def url(self) -> str:
        assert self._door
        return f"http://127.0.0.1:{self._door.server_address[1]}"

    @property
    def moto_url(self) -> str:
        """Moto itself, past the door."""
        assert self._moto
        host, port = self._moto.get_host_and_port()
        return f"http://{host}:{port}"

    def client(self, service: str) -> Any:
        """A client of moto itself, to prepare and to look."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.moto_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def reset(self) -> None:
        """Forget everything."""
        self.faults.clear()
        self.calls = 0
        httpx.post(f"{self.moto_url}/moto-api/reset")

    def mails(self) -> list[dict[str, Any]]:
        """The mails that SES sent."""
        found = httpx.get(f"{self.moto_url}/moto-api/data.json").json()
        return list(found.get("ses", {}).get("RawMessage", []))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Door(BaseHTTPRequestHandler):
            # Who sends a file waits for a word that it may, which older versions do not have.
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                fake.calls += 1
                fault = fake.faults.pop(0) if fake.faults else None
                if fault is not None and not fault.loses_answer:
                    # S3 and the older services, which take a query, name no operation in a header.
                    error = _error(fault) if "x-amz-target" in self.headers else _error_in_xml(fault)
                    self._answer(fault.status, error, {"x-amzn-ErrorType": fault.code})
                    return
                answer = httpx.request(
                    self.command,
                    fake.moto_url + self.path,
                    content=body,
                    headers={
                        name: value
                        for name, value in self.headers.items()
                        if name.lower() not in ("host", "expect")
                    },
                )
                if fault is not None:
                    self.close_connection = True
                    return
                self._answer(answer.status_code, answer.content, dict(answer.headers))

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815 (http.server names them)

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                is_head = self.command == "HEAD"
                self.send_header(
                    "Content-Length", headers.get("content-length", "0") if is_head else str(len(body))
                )
                self.end_headers()
                self.wfile.write(b"" if is_head else body)

            def log_message(self, *arguments: Any) -> None:
                """Nothing: a test's output is the test's."""

        return Door


def _error(fault: Fault) -> bytes:
    return json.dumps({"__type": fault.code, "message": f"{fault.code} on demand"}).encode()


def _error_in_xml(fault: Fault) -> bytes:
    """The form of S3 and of the older services."""
    said = f"<Code>{fault.code}</Code><Message>{fault.code} on demand</Message>"
    return f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>".encode()
