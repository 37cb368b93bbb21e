"""The page of the audit logs: who did what and when, in pages, of all for administrators alone."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from app.console import audit
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.domains.audit import service
from app.domains.audit.facts import LoginStatus
from app.domains.audit.records import LoginRecord, moment, new_id
from tests.console.browser import signed_in
from tests.domains.audit.log import record, write

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
AUDIT = "/console/audit"
SECOND = 10**9
NOON = 1_795_000_000 * SECOND
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"


def shown(client: TestClient, **query: str) -> list[str]:
    answer = client.get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    return [unescape(path) for path in re.findall(r"<code>\w+ (/[^<]*)</code>", answer.text)]


def fill(*paths: str, **more: Any) -> None:
    write(*(record(at=NOON + place * SECOND, path=path, **more) for place, path in enumerate(paths)))


def test_an_administrator_sees_all_of_it_the_newest_first_and_not_obeyed() -> None:
    fill("/a/1", "/a/2", user_name="ann", arguments={"reason": HOSTILE, "password": "***"})
    client = signed_in(Role.ADMIN)
    assert shown(client) == ["/a/2", "/a/1"]
    text = client.get(AUDIT).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img" not in text


def test_it_is_narrowed_by_who_what_and_when() -> None:
    fill("/a/1", "/a/2", user_name="дмитрий", status=200)
    fill("/b/1", user_name="bob", status=403, code="missing_scope")
    client = signed_in(Role.ADMIN)
    assert shown(client, user="дмитрий") == ["/a/2", "/a/1"]
    assert shown(client, path="/b") == ["/b/1"]
    assert shown(client, status="403", code="missing_scope") == ["/b/1"]
    later = f"{moment(NOON + 60 * SECOND):%Y-%m-%dT%H:%M}"
    assert shown(client, after=later) == []
    assert len(shown(client, before=later, log="operations")) == 3
    assert f'value="{later}"' in client.get(AUDIT, params={"before": later}).text


def test_pages_hold_the_filter_and_show_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    fill(*(f"/a/{number}" for number in range(5)), user_name="a&b=c")
    fill("/b/1", user_name="bob")
    client, seen = signed_in(Role.ADMIN), []
    place: str | None = f"{AUDIT}?user=a%26b%3Dc"
    while place:
        text = client.get(place).text
        seen += re.findall(r"<code>\w+ (/[^<]*)</code>", text)
        older = re.search(r'<a href="([^"]+)">Older', text)
        place = unescape(older[1]) if older else None
    assert seen == [f"/a/{number}" for number in (4, 3, 2, 1, 0)]


def test_whoever_is_no_administrator_sees_what_they_did_themselves() -> None:
    operator = signed_in(Role.OPERATOR)
    fill("/mine", user_id=1)
    fill("/others", user_id=2)
    assert shown(operator) == ["/mine"]
    assert "You see what you did yourself" in operator.get(AUDIT).text
    assert set(shown(signed_in(Role.ADMIN))) == {"/mine", "/others"}


def test_who_signed_in_and_who_failed_to_is_the_other_log() -> None:
    with transaction() as session:
        rows = [
            LoginRecord(id=new_id(at=at), at=moment(at), user_name=f"u{at % 7}@example.org", status=status)
            for at, status in ((NOON, LoginStatus.SUCCESS), (NOON + SECOND, LoginStatus.FAILURE))
        ]
        service.write_logins(session, [row.model_dump(mode="json") for row in rows])
    client = signed_in(Role.ADMIN)
    text = client.get(AUDIT, params={"log": "logins"}).text
    assert ("✓ success" in text, "✗ failure" in text) == (True, True)
    narrowed = client.get(AUDIT, params={"log": "logins", "status": "failure"}).text
    assert ("✓ success" in narrowed, "✗ failure" in narrowed) == (False, True)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"log": "nothing"}, "There are two logs"),
        ({"log": "logins", "path": "/a"}, "has no such filter"),
        ({"colour": "red"}, "has no such filter"),
        ({"cursor": "x"}, "cursor"),
        ({"status": "1e9"}, "status"),
        ({"status": "-1"}, "status"),
        ({"after": "yesterday"}, "RFC 3339"),
        ({"after": "2026-02-30T00:00"}, "RFC 3339"),
        ({"user": "x" * 10_000}, "user"),
        ({"limit": "100000000"}, "has no such filter"),
    ],
)
def test_what_cannot_be_asked_is_said(query: dict[str, str], said: str) -> None:
    answer = signed_in(Role.ADMIN).get(AUDIT, params=query)
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize("text", ["%", "_", "' OR 1=1 --", HOSTILE, "日本語", "\\"])
def test_whatever_is_looked_for_is_taken_as_it_is(text: str) -> None:
    fill("/a/1", user_name="ann")
    client = signed_in(Role.ADMIN)
    for name in ("user", "path", "code"):
        assert shown(client, **{name: text}) == []
    assert "<img" not in client.get(AUDIT, params={"user": text}).text
