"""Plaid's webhooks come in: only its own, only fresh and only once."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from app.api import create_app
from app.db.sessions import reading
from app.domains.banking.api import WEBHOOK_PATH
from app.domains.banking.errors import InvalidWebhook, TooManyUnknownKeys
from app.domains.banking.models import PlaidWebhook
from app.domains.banking.sync import requests
from app.domains.banking.webhooks import inbox, keys
from app.http import bodies
from tests.api_client import anonymous, client_for
from tests.domains.banking.linking import handle_webhook, jobs, kept_webhooks, link, port, run_sync
from tests.fakes.plaid import CLIENT_ID, SECRET, signing
from tests.fakes.plaid.signing import (
    HEADER,
    Signed,
    SigningKey,
    mirrored,
    sign,
    signed_by_public_key,
    unsigned,
)
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.domains.banking.plaid.client import Plaid
    from tests.fakes.plaid import FakePlaid

pytestmark = pytest.mark.databases("sqlite")

BODY = signing.webhook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", item_id="item-1", environment="sandbox")
KEY_PATH = "/webhook_verification_key/get"


@pytest.fixture
def stranger(plaid: FakePlaid) -> TestClient:
    """A client without an API token, as Plaid is one."""
    return anonymous()


def proxied() -> TestClient:
    """As the proxy on this host, which says whom it speaks for."""
    return TestClient(create_app(), raise_server_exceptions=False, client=("127.0.0.1", 50_000))


def post(client: TestClient, signed: Signed) -> tuple[int, str]:
    """Status and code of the answer."""
    answer = client.post(WEBHOOK_PATH, content=signed.body, headers=signed.headers)
    return answer.status_code, answer.json().get("code", "")


def test_a_webhook_of_plaid_is_kept_with_its_job_before_the_answer(
    plaid: FakePlaid, stranger: TestClient
) -> None:
    signed = sign(BODY, key=plaid.keys[0])
    assert post(stranger, signed) == (200, "")
    assert kept_webhooks() == (1, 1)
    with reading() as session:
        webhook = session.scalars(select(PlaidWebhook)).one()
    assert (webhook.type, webhook.code, webhook.item_id) == (
        "TRANSACTIONS",
        "SYNC_UPDATES_AVAILABLE",
        "item-1",
    )
    job = jobs(inbox.HANDLE_TASK)[0]
    assert job.kwargs == {"webhook_id": webhook.id}


def altered(signed: Signed, **values: Any) -> Signed:
    return Signed(**{"token": signed.token, "body": signed.body, **values})


FORGERIES: dict[str, Callable[[SigningKey], Signed]] = {
    "no algorithm": lambda key: unsigned(BODY, key=key),
    "HS256 with the public key": lambda key: signed_by_public_key(BODY, key=key),
    "a key of somebody else under Plaid's name": lambda key: sign(BODY, key=SigningKey(id=key.id)),
    "a key that Plaid does not have": lambda key: sign(BODY, key=SigningKey()),
    "a key's name that is a path": lambda key: sign(BODY, key=key, key_id="../../etc/passwd"),
    "one space more": lambda key: altered(sign(BODY, key=key), body=BODY + b" "),
    "one space less": lambda key: altered(sign(BODY, key=key), body=BODY.replace(b"\n  ", b"\n ", 1)),
    "an empty body": lambda key: altered(sign(BODY, key=key), body=b""),
    "six minutes old": lambda key: sign(BODY, key=key, issued_at=int(time.time()) - 360),
    "of tomorrow": lambda key: sign(BODY, key=key, issued_at=int(time.time()) + 86_400),
    "made at the end of time": lambda key: sign(BODY, key=key, issued_at=10**18),
    "an empty token": lambda key: Signed(token="", body=BODY),
    "no token at all": lambda key: Signed(token="garbage", body=BODY),
    "two dots": lambda key: Signed(token="..", body=BODY),
    "a token without its signature": lambda key: altered(
        sign(BODY, key=key), token=sign(BODY, key=key).token.rpartition(".")[0] + "."
    ),
    "a token with another's signature": lambda key: Signed(
        token=sign(BODY, key=key).token.rpartition(".")[0]
        + "."
        + sign(BODY, key=key, issued_at=1).token.rpartition(".")[2],
        body=BODY,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_without_a_trace(plaid: FakePlaid, stranger: TestClient, name: str) -> None:
    status, code = post(stranger, FORGERIES[name](plaid.keys[0]))
    assert (status, code) == (401, "invalid_webhook")
    assert kept_webhooks() == (0, 0)


def test_without_the_header_it_is_a_request_without_a_token(plaid: FakePlaid, stranger: TestClient) -> None:
    answer = stranger.post(WEBHOOK_PATH, content=BODY, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
    signed = client_for().post(WEBHOOK_PATH, content=BODY, headers={"Content-Type": "application/json"})
    assert (signed.status_code, signed.json()["code"]) == (401, "invalid_webhook")
    assert kept_webhooks() == (0, 0)


def test_the_header_opens_no_other_path(plaid: FakePlaid, stranger: TestClient) -> None:
    headers = sign(BODY, key=plaid.keys[0]).headers
    for path in ("/api/v1/jobs", WEBHOOK_PATH + "/", WEBHOOK_PATH + "/x", "/api/v1/webhooks", "/docs"):
        answer = stranger.post(path, content=BODY, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_token"), path


@pytest.mark.parametrize("again", [lambda signed: signed, mirrored])
def test_a_replay_is_refused(
    plaid: FakePlaid, stranger: TestClient, again: Callable[[Signed], Signed]
) -> None:
    signed = sign(BODY, key=plaid.keys[0])
    assert post(stranger, signed) == (200, "")
    assert post(stranger, again(signed)) == (401, "invalid_webhook")
    assert kept_webhooks() == (1, 1)


def test_of_many_copies_at_once_one_is_kept(plaid: FakePlaid, stranger: TestClient) -> None:
    signed = sign(BODY, key=plaid.keys[0])
    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(lambda _: post(stranger, signed)[0], range(16)))
    assert answers == [200] + [401] * 15
    assert kept_webhooks() == (1, 1)
    assert plaid.count(KEY_PATH) == 1


def test_a_duplicate_that_plaid_signed_anew_is_kept_and_asks_for_the_same_sync(
    plaid: FakePlaid, stranger: TestClient
) -> None:
    item = plaid.bank.new_item()
    body = signing.webhook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", item_id=item.id)
    item_id = link(item)
    run_sync(item_id)
    for age in range(5):
        assert post(stranger, sign(body, key=plaid.keys[0], issued_at=int(time.time()) - age))[0] == 200
    for number in range(1, 6):
        handle_webhook(number)
    assert len(jobs(requests.SYNC_TASK)) == 2, "the first one, and one for all five"


def test_a_key_is_asked_for_once(plaid: FakePlaid, stranger: TestClient) -> None:
    for age in range(3):
        assert post(stranger, sign(BODY, key=plaid.keys[0], issued_at=int(time.time()) - age))[0] == 200
    assert plaid.count(KEY_PATH) == 1


def test_a_key_that_has_ended_is_refused(plaid: FakePlaid, stranger: TestClient) -> None:
    plaid.keys[0].expired_at = int(time.time()) - 1
    assert post(stranger, sign(BODY, key=plaid.keys[0])) == (401, "invalid_webhook")
    assert kept_webhooks() == (0, 0)


def forged(client: TestClient, address: str) -> int:
    """The status for a webhook from `address` that names a key which nobody has."""
    signed = sign(BODY, key=SigningKey())
    headers = {**signed.headers, "X-Real-IP": address}
    # As the proxy on this host passes it on.
    return int(client.post(WEBHOOK_PATH, content=signed.body, headers=headers).status_code)


def test_forged_names_of_keys_cannot_make_us_hammer_plaid(plaid: FakePlaid) -> None:
    proxy = proxied()
    most = keys.MAX_ASKED_BY_ADDRESS
    answers = [forged(proxy, "192.0.2.1") for _ in range(most + 5)]
    assert answers == [401] * most + [503] * 5
    everybody = [forged(proxy, f"192.0.2.{number}") for number in range(2, keys.MAX_ASKED + 10)]
    assert everybody.count(401) == keys.MAX_ASKED - most
    assert plaid.count(KEY_PATH) == keys.MAX_ASKED


def test_a_forger_leaves_turns_for_a_key_that_is_new(plaid: FakePlaid) -> None:
    proxy = proxied()
    assert [forged(proxy, "192.0.2.1") for _ in range(20)].count(503) == 20 - keys.MAX_ASKED_BY_ADDRESS
    assert post(proxy, sign(BODY, key=plaid.keys[0])) == (200, "")


def test_a_known_key_is_asked_for_again_whatever_was_forged(plaid: FakePlaid) -> None:
    ring, now, key = keys.KeyRing(), datetime.now(UTC), plaid.keys[0]
    fetch(ring, key.id, now=now)
    later = now + keys.KNOWN_FOR
    for number in range(keys.MAX_ASKED):
        with pytest.raises(InvalidWebhook):
            fetch(ring, f"forged-{number}", now=later, address=str(number))
    with pytest.raises(TooManyUnknownKeys):
        fetch(ring, "forged", now=later)
    before = plaid.count(KEY_PATH)
    assert fetch(ring, key.id, now=later)["kid"] == key.id
    assert plaid.count(KEY_PATH) == before + 1


def test_a_name_that_was_refused_is_refused_again_without_asking(plaid: FakePlaid) -> None:
    ring, now = keys.KeyRing(), datetime.now(UTC)
    for _ in range(3):
        with pytest.raises(InvalidWebhook):
            fetch(ring, "forged", now=now)
    assert plaid.count(KEY_PATH) == 1


class SilentPlaid:
    """Plaid while it does not answer, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()

    def verification_key(self, *, key_id: str) -> dict[str, Any]:
        self.asked.append(key_id)
        assert self.answers.wait(30)
        return {"kid": key_id, "expired_at": None}


def test_who_names_a_key_while_plaid_is_silent_waits_in_one_flight_or_is_refused_at_once() -> None:
    asyncio.run(name_keys_while_plaid_is_silent())


async def name_keys_while_plaid_is_silent() -> None:
    ring, now, silent = keys.KeyRing(), datetime.now(UTC), SilentPlaid()

    def ask(key_id: str) -> Any:
        named = keys.Named(key_id=key_id, address=key_id)
        return ring.key(named, plaid=cast("Plaid", silent), now=now)

    waiting = [asyncio.create_task(ask(f"key-{number}")) for number in range(keys.MAX_FETCHES)]
    waiting += [asyncio.create_task(ask("key-0")) for _ in range(keys.MAX_WAITING - len(waiting))]
    while len(silent.asked) < keys.MAX_FETCHES:
        await asyncio.sleep(0.01)
    for key_id in ("key-0", "another"):
        with pytest.raises(TooManyUnknownKeys):
            await ask(key_id)
    silent.answers.set()
    assert [key["kid"] for key in await asyncio.gather(*waiting)][:2] == ["key-0", "key-1"]
    assert sorted(silent.asked) == [f"key-{number}" for number in range(keys.MAX_FETCHES)]
    assert (await ask("key-0"))["kid"] == "key-0", "a place is free again"


def test_while_plaid_is_down_an_unknown_key_is_worth_another_try(
    plaid: FakePlaid, stranger: TestClient
) -> None:
    plaid.faults.break_down(KEY_PATH)
    signed = sign(BODY, key=plaid.keys[0])
    assert post(stranger, signed) == (503, "key_unavailable")
    assert kept_webhooks() == (0, 0)
    assert post(stranger, signed) == (200, "")


def fetch(ring: keys.KeyRing, key_id: str, *, now: datetime, address: str = "192.0.2.9") -> dict[str, Any]:
    return asyncio.run(ring.key(keys.Named(key_id=key_id, address=address), plaid=port(), now=now))


def test_keys_are_looked_at_again_and_outlive_an_outage(plaid: FakePlaid) -> None:
    ring, now, key = keys.KeyRing(), datetime.now(UTC), plaid.keys[0]
    later = now + keys.KNOWN_FOR
    fetch(ring, key.id, now=now)
    plaid.faults.break_down(KEY_PATH)
    assert fetch(ring, key.id, now=later)["kid"] == key.id
    key.expired_at = int(now.timestamp())
    with pytest.raises(Exception, match="has expired"):
        fetch(ring, key.id, now=later + keys.KEPT_FOR)


def test_nothing_of_a_body_is_read_before_its_token_is_known_to_be_plaids(
    plaid: FakePlaid, stranger: TestClient
) -> None:
    answers: list[Any] = []

    async def unread() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        answers.append(message)

    token = sign(BODY, key=SigningKey()).token.encode()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": WEBHOOK_PATH,
        "raw_path": WEBHOOK_PATH.encode(),
        "query_string": b"",
        "headers": [(HEADER.lower().encode(), token), (b"content-length", b"9")],
    }
    asyncio.run(create_app()(scope, unread, send))
    assert answers[0]["status"] == 401
    longest = sign(b"{" * (bodies.DEFAULT_LIMIT + 1), key=plaid.keys[0])
    assert post(stranger, longest) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}', b"[" * 5_000, b"\xff", b"{"])
def test_a_signed_body_that_cannot_be_kept_is_refused(
    plaid: FakePlaid, stranger: TestClient, body: bytes
) -> None:
    assert post(stranger, sign(body, key=plaid.keys[0])) == (401, "invalid_webhook")
    assert kept_webhooks() == (0, 0)


@pytest.mark.parametrize("part", [b"[" * 1_400, b'{"a":' * 280, b"9" * 1_400, b'{"kid": ' + b"[" * 1_300])
def test_a_token_of_hostile_json_is_refused(plaid: FakePlaid, stranger: TestClient, part: bytes) -> None:
    token = base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for hostile in (f"{token}.e30.AA", f"e30.{token}.AA", token * 4):
        assert post(stranger, Signed(token=hostile, body=BODY)) == (401, "invalid_webhook")


def test_a_body_that_is_no_object_is_refused(plaid: FakePlaid, stranger: TestClient) -> None:
    assert post(stranger, sign(b"[1]", key=plaid.keys[0])) == (401, "invalid_webhook")


def test_a_clock_that_is_a_little_ahead_is_forgiven(plaid: FakePlaid, stranger: TestClient) -> None:
    assert post(stranger, sign(BODY, key=plaid.keys[0], issued_at=int(time.time()) + 20))[0] == 200


@pytest.fixture
def door(plaid: FakePlaid, stranger: TestClient) -> Iterator[tuple[str, list[int]]]:
    """An address that passes what it gets to the API, and the statuses of the API's answers."""
    answers: list[int] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = stranger.post(self.path, content=body, headers=dict(self.headers))
            answers.append(answer.status_code)
            self.send_response(answer.status_code)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{WEBHOOK_PATH}", answers
    server.shutdown()
    server.server_close()


def test_what_the_sandbox_fires_arrives_doubled_and_out_of_order(
    plaid: FakePlaid, door: tuple[str, list[int]]
) -> None:
    url, answers = door
    item = plaid.bank.new_item(webhook=url)
    first, second = (plaid.webhook("ITEM", code, item_id=item.id) for code in ("ERROR", "LOGIN_REPAIRED"))
    assert [signing.send(one, url=url) for one in (second, first, second)] == [200, 200, 401]
    fired = plaid.answer(
        "/sandbox/item/fire_webhook",
        {"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": SECRET},
        {"access_token": item.access_token, "webhook_code": "SYNC_UPDATES_AVAILABLE"},
    )
    assert fired["webhook_fired"]
    wait_until(lambda: len(answers) == 4, seconds=10, what="the fired webhook arrives")
    assert answers[-1] == 200
    with reading() as session:
        codes = session.scalars(select(PlaidWebhook.code).order_by(PlaidWebhook.id)).all()
    assert codes == ["LOGIN_REPAIRED", "ERROR", "SYNC_UPDATES_AVAILABLE"]


# What each webhook calls for.


def test_the_age_that_is_allowed_is_what_plaid_says() -> None:
    from app.domains.banking.webhooks.verification import OLDEST, SKEW

    assert timedelta(minutes=5) == OLDEST
    assert timedelta(minutes=1) > SKEW
    assert HEADER == "Plaid-Verification"
