"""What the API is asked is recorded: changes and refusals always, bounded in number, and never in its way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.audit.recording import recorder as recorders
from app.domains.audit.recording import writer as writers
from app.domains.audit.recording.recorder import DROPPED, SAMPLED, STRANGERS, Recorder
from app.domains.audit.recording.sampling import PER_WINDOW
from app.domains.audit.recording.writer import Writer
from app.http.observing import Exchange
from app.logs.masking import MASK
from app.tokens.callers import Caller
from tests.api_client import anonymous, client_for
from tests.domains.audit.log import accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]
JOBS = "/api/v1/jobs"
USERS = "/api/v1/users/register"


@contextmanager
def served(client: TestClient) -> Iterator[TestClient]:
    """The API from its start to its stop, at which all is handed on."""
    with client:
        yield client


def paths() -> list[str]:
    return [one["path"] for one in accepted() if one.get("path")]


def test_a_change_is_recorded_with_all_there_is_to_know() -> None:
    client = client_for()
    headers = {"User-Agent": "curl/8.1.2", "X-Real-IP": "203.0.113.7", "X-Request-ID": "trace-1"}
    user = {"email": "ann@example.org", "name": "Zoë"}
    with served(client):
        assert client.post(f"{USERS}?token=abc", json=user, headers=headers).status_code in (201, 422)
    (found,) = accepted()
    assert found["trace_id"] == "trace-1"
    assert (found["method"], found["route"], found["title"]) == ("POST", USERS, "Register User")
    assert found["path"] == USERS
    assert found["user_agent"] == "curl/8.1.2"
    assert found["user_name"].startswith("test-")
    assert len(found["token_id"]) == 12
    assert found["arguments"] == {"query": {"token": MASK}, "body": user}
    assert "address" in found


def test_a_template_stands_for_all_paths_of_a_route() -> None:
    client = client_for()
    with served(client):
        answer = client.patch("/api/v1/users/999", json={"name": "Ann"})
    assert answer.status_code == 404
    (found,) = accepted()
    assert (found["route"], found["path"]) == ("/api/v1/users/{user_id}", "/api/v1/users/999")
    assert (found["status"], found["code"]) == (404, "user_not_found")


def test_reads_are_recorded_only_where_that_is_set(configure: Callable[..., None]) -> None:
    client = client_for()
    with served(client):
        client.get(JOBS)
    assert paths() == []
    configure(audit_reads="true")
    with served(client):
        client.get(JOBS)
    assert paths() == [JOBS]


def test_a_denied_read_is_recorded() -> None:
    client = client_for("users:read")
    with served(client):
        assert client.get(JOBS).status_code == 403
    (found,) = accepted()
    assert (found["path"], found["status"], found["code"]) == (JOBS, 403, "missing_scope")


def test_a_flood_of_strangers_writes_few_rows_and_is_counted() -> None:
    client = anonymous()
    with served(client):
        for _ in range(PER_WINDOW + 7):
            assert client.post(JOBS, json={}).status_code == 401
    found = accepted()
    rows = [one for one in found if one.get("path")]
    assert len(rows) == PER_WINDOW
    assert {one["status"] for one in rows} == {401}
    assert [(one["code"], one["user_name"], one["left_out"]) for one in found if one.get("left_out")] == [
        (SAMPLED, STRANGERS, 7)
    ]


def test_a_stranger_s_body_is_not_in_the_log() -> None:
    client = anonymous()
    with served(client):
        client.post(JOBS, json={"note": "anything"})
    assert accepted()[0].get("arguments") is None


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'{"a": NaN}', "... 10 bytes"),
        (b"\xff\xfe", "... 2 bytes"),
        (b'{"task": "x", "arguments": {"secret": "s", "deep": {"api_key": 1}}}', None),
    ],
)
def test_a_refused_body_is_recorded_without_secrets(content: bytes, kept: str | None) -> None:
    client = client_for()
    with served(client):
        client.post(JOBS, content=content, headers={"Content-Type": "application/json"})
    body = accepted()[0]["arguments"]["body"]
    assert body == (kept or {"task": "x", "arguments": {"secret": MASK, "deep": {"api_key": MASK}}})


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{JOBS}?a=%00", {}),
        (f"{JOBS}/%ED%A0%80/cancel", {}),
        (f"{JOBS}/表/cancel?{'q=1&' * 5_000}", {}),
        (JOBS, {"User-Agent": "x" * 1_000_000}),
        (JOBS, {"User-Agent": "Mozilla/5.0 (" * 1_000, "X-Real-IP": "\x7f" * 500}),
        (f"{JOBS}/gw_0123456789ab_{'x' * 43}/cancel", {}),
    ],
)
def test_whatever_is_asked_can_be_recorded(path: str, headers: dict[str, str]) -> None:
    client = client_for()
    with served(client):
        client.post(path, json={"a": 1}, headers=headers)
    (found,) = accepted()
    assert len(found["path"]) <= 500
    assert "gw_" not in found["path"]
    assert len(found["user_agent"]) <= 500


def exchange(**state: Any) -> Exchange:
    scope = {
        "method": "POST",
        "path": "/x",
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.7", 1),
        "app": anonymous().app,
        "state": {"caller": None, **state},
    }
    return Exchange(scope=scope, body=b"", body_size=0, status=200, began_at=10**18, seconds=0.001)


def test_what_waits_is_bounded_and_what_is_dropped_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MAX_WAITING", 3)
    recorder = Recorder()
    for _ in range(8):
        recorder.note(exchange())
    assert len(recorder.take(at_most=100)) == 3
    assert [(one.code, one.left_out) for one in recorder.left_out()] == [(DROPPED, 5)]
    assert list(recorder.left_out()) == []


def test_what_waits_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "MAX_WAITING_BYTES", 5_000)
    recorder = Recorder()
    for _ in range(3):
        for _ in range(8):
            recorder.note(exchange())
        assert 0 < len(recorder.take(at_most=100)) < 8


def test_records_wait_for_a_database_that_is_away(configure: Callable[..., None], database: Any) -> None:
    url = str(database.url)
    recorder = Recorder()
    writer = Writer(recorder)
    recorder.note(exchange(request_id="waits"))
    configure(database_url="sqlite:////proc/none/none.db")
    with pytest.raises(Exception, match=r"proc|open"):
        writer.work()
    configure(database_url=url)
    writer.work()
    writer.work()
    assert [one["trace_id"] for one in accepted()] == ["waits"]


def test_batches_fit_into_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "MAX_BATCH_BYTES", 1_000)
    recorder = Recorder()
    writer = Writer(recorder)
    for number in range(20):
        recorder.note(exchange(request_id=str(number)))
    writer.work()
    assert [one["trace_id"] for one in accepted()] == [str(number) for number in range(20)]
    assert len({str(one) for one in accepted()}) == 20


def test_a_person_who_signed_in_is_recorded_as_a_user() -> None:
    recorder = Recorder()
    person = Caller(token_id="s", name="ann@example.org", scopes=frozenset(), expires_at=None, user_id=7)
    recorder.note(exchange(caller=person))
    Writer(recorder).work()
    assert [(one["user_id"], one["user_name"]) for one in accepted()] == [(7, "ann@example.org")]
