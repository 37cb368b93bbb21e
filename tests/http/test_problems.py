"""Every mistake is answered with a problem document that says what and where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import structlog
from starlette.testclient import TestClient

from app.api import create_app
from tests.api_client import client_for
from tests.jobs import samples

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.types import ASGIApp, Receive, Scope, Send

pytestmark = pytest.mark.databases("sqlite")

JSON = {"Content-Type": "application/json"}
NAME = samples.greet.name.encode()


@pytest.fixture
def api(database: Engine) -> TestClient:
    return client_for()


def post(api: TestClient, body: bytes, **headers: str) -> tuple[int, str, str]:
    answer = api.post("/api/v1/jobs", content=body, headers={**JSON, **headers})
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert document["type"].endswith(document["code"])
    places = "".join(error.get("pointer", "") for error in document.get("errors", []))
    return answer.status_code, document["code"], document["detail"] + places


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"task": }', "line 1 column 10"),
        (b'{\n  "task" 1}', "line 2 column 10"),
        (b"{} {}", "line 1 column 4"),
        (b"\xef\xbb\xbf{}", "line 1 column 1"),
        (b'{"task": "\xff"}', "byte at position 10 is not UTF-8"),
        (b'{"task": "\xc0\xaf"}', "byte at position 10 is not UTF-8"),
        (b'{"task": "a", "task": "b"}', "the key 'task' appears twice"),
        (b'{"task": NaN}', "NaN is not a JSON number"),
        (b'{"task": -Infinity}', "-Infinity is not a JSON number"),
        (b"[" * 10_000 + b"]" * 10_000, "nested deeper than 32 levels"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper than 32 levels"),
        (b'{"task": ' + b"9" * 5000 + b"}", "thousands of digits"),
        (b"null junk", "line 1 column 6"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(api: TestClient, body: bytes, says: str) -> None:
    status, code, detail = post(api, body)
    assert (status, code) == (400, "invalid_json")
    assert says in detail


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b'"a\\u0000b"', "NUL"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\u0000": 1}', "NUL"),
        (b"9223372036854775808", "64 bits"),
        (b"1e999", "too large"),
    ],
)
def test_what_the_databases_cannot_hold_is_refused_with_its_pointer(
    api: TestClient, value: bytes, says: str
) -> None:
    status, code, detail = post(api, b'{"task": "%s", "arguments": {"a/b": [%s]}}' % (NAME, value))
    assert (status, code) == (422, "invalid_input")
    assert says in detail
    assert detail.endswith("#/arguments/a~1b/0")


def test_an_empty_body_is_missed(api: TestClient) -> None:
    status, _, detail = post(api, b"")
    assert status == 422
    assert "required" in detail


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=utf-8-evil"},
        {"Content-Type": "application/json; charset=evil-utf-8"},
        {"Content-Type": "application/json; charset=utf-8; charset=utf-16"},
        {"Content-Type": "application/json; x=utf-8; charset=latin1"},
        {"Content-Type": "application/json; charset="},
        {"Content-Type": "application/jsonp"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_other_media_types_are_refused(api: TestClient, headers: dict[str, str]) -> None:
    assert post(api, b'{"task": "a"}', **headers)[:2] == (415, "unsupported_media_type")


def test_a_charset_of_utf_8_may_be_named(api: TestClient) -> None:
    body = b'{"task": "%s", "arguments": {"name": "Zo\xc3\xab"}}' % NAME
    answer = api.post(
        "/api/v1/jobs", content=body, headers={"Content-Type": 'Application/JSON; charset="UTF-8"'}
    )
    assert answer.status_code == 202


def test_a_body_over_the_limit_is_refused(api: TestClient) -> None:
    status, code, detail = post(api, b" " * (256 * 1024 + 1))
    assert (status, code) == (413, "body_too_large")
    assert "over 262144 bytes" in detail


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/jobs", "GET, POST"),
        ("PUT", "/api/v1/jobs/1", "GET"),
        ("GET", "/api/v1/jobs/1/retry", "POST"),
        ("POST", "/livez", "GET"),
        ("TRACE", "/livez", "GET"),
        ("GET", "/api/v1/jobs/batch", "POST"),
        ("DELETE", "/api/v1/jobs/retry", "POST"),
        ("PATCH", "/api/v1/users/register", "POST"),
        ("PUT", "/api/v1/users/1", "GET, PATCH"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: TestClient, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs/", "/api/v2/jobs", "/api/v1/jobs/1/2/3", "/docs/", "//"])
def test_an_unknown_path_is_not_found(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("url", ["/api/v1/jobs/%00", "/api/v1/jobs?task=a%00b", "/api/v1/jobs?cursor=%00"])
def test_a_nul_in_the_url_is_refused(api: TestClient, url: str) -> None:
    answer = api.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, "nul_in_url")


def test_a_given_request_id_is_kept(api: TestClient) -> None:
    assert api.get("/livez", headers={"X-Request-ID": "order-7.b_2"}).headers["X-Request-ID"] == "order-7.b_2"


@pytest.mark.parametrize("given", [b"", b"x" * 65, b"a b", b"a\x1b[31mb", "ü".encode(), b"a\tb", b'"'])
def test_a_request_id_that_would_spoil_a_log_line_is_replaced(api: TestClient, given: bytes) -> None:
    answer = api.get("/livez", headers=[(b"X-Request-ID", given)])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_the_unforeseen_tells_the_client_only_the_request_id(api: TestClient) -> None:
    def fail() -> None:
        raise RuntimeError("postgresql://ada:secret@db")

    app = create_app()
    app.get("/fail")(fail)
    asking = TestClient(app, raise_server_exceptions=False, headers=dict(api.headers))
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = asking.get("/fail", headers={"X-Request-ID": "order-7"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == "order-7"
    logged = [line for line in lines if line["event"] == "request_failed"]
    assert [line["request_id"] for line in logged] == ["order-7"]


class Failing:
    """Middleware that someone puts around the API, and that fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise RuntimeError("around the API")
        await self.app(scope, receive, send)


def test_what_fails_around_the_api_is_logged_and_answered_the_same(database: Engine) -> None:
    app = create_app()
    app.add_middleware(Failing)
    with structlog.testing.capture_logs() as lines:
        answer = TestClient(app, raise_server_exceptions=False).get("/livez")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert [str(line["exc_info"]) for line in lines if line["event"] == "request_failed"] == [
        "around the API"
    ]
