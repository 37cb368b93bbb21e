"""What a provider answers is kept and shown without what opens something, and in a few words."""

from __future__ import annotations

import json
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from app.domains.banking.errors import PlaidRefused
from app.jobs.ledger import encoding
from app.logs.masking import MASK, MAX_EXCERPT, MAX_SENTENCE, excerpt, identifier, sentence, without_secrets
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from tests.domains.banking.linking import point_at, port
from tests.fakes.plaid import CLIENT_ID, SECRET, FakePlaid
from tests.fakes.plaid.faults import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCESS_TOKEN = "access-sandbox-de3ce8ef-33f8-452c-a685-8671031fc0f6"
#: One that has no form of its own.
ODD_TOKEN = "open sesame"
SHAPES = [
    "gw_0123456789ab_" + "Ab1-_" * 8 + "abc",
    ACCESS_TOKEN,
    "public-production-5c224a01-8314-4491-a06f-39e193d5cddc",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.c2lnbmF0dXJl",
    "ya29.a0AfH6SMBx-3",
    "1//0gYxJ-c2lnbmF0dXJlCgYIARAAGBASNwF",
    "4/0AX4XfWhJ-c2lnbmF0dXJlCgYIARAAGBA",
    "GOCSPX-c2lnbmF0dXJl",
    "xoxb-2401-c2lnbmF0dXJl",
    "xoxe.xoxp-1-c2lnbmF0dXJl",
    "xapp-1-A01-c2lnbmF0dXJl",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SHAPES)
def test_what_has_the_form_of_a_secret_is_not_shown(secret: str) -> None:
    for shown in (excerpt(f"it was {secret}, or so"), sentence(f"it was {secret}, or so")):
        assert secret not in shown
        assert shown.startswith("it was")
        assert MASK in shown


def test_the_secrets_of_the_settings_are_not_shown_however_they_are_written(
    configure: Callable[..., None],
) -> None:
    configure(
        database_url="postgresql://ada:l%2Fedger-pass@db/groundwork",
        redis_url="redis://:broker-pass@redis:6379/0",
        other_secret_keys="the-next-key-0123456789abcdefghij the-last-key-0123456789abcdefghij",
        smtp_password="p@ss/word",
        plaid_client_id="5f1c",
        plaid_secret="plaid-secret",
        aws_access_key_id="some-key-id",
    )
    text = (
        "l/edger-pass l%2Fedger-pass broker-pass p@ss/word p%40ss%2Fword plaid-secret some-key-id 5f1c "
        "the-last-key-0123456789abcdefghij the-next-key-0123456789abcdefghij"
    )
    # Too short to be told from any other text.
    assert without_secrets(text).replace(MASK, "").split() == ["5f1c"]


@pytest.mark.parametrize("part", ["eyJ", "eyJ-", "a", "gw_0", "Bearer ", "AKIA", "-----BEGIN "])
def test_what_only_begins_like_a_secret_costs_little_however_often(part: str) -> None:
    text = f"begins {part * 1_000_000} ends"
    began = time.process_time()
    shown = encoding.text(text)
    assert shown.startswith("begins")
    assert shown.endswith("ends")
    assert "characters left out" in shown
    assert excerpt(text).startswith("begins")
    # Looked for at each place anew, it would be minutes.
    assert time.process_time() - began < 2


def test_a_secret_at_the_ends_of_a_long_text_is_not_shown() -> None:
    padding = " word" * 100_000
    assert ACCESS_TOKEN not in encoding.text(f"{ACCESS_TOKEN}{padding}{ACCESS_TOKEN}")
    signed = f"eyJ{'a' * 5_000}.eyJpYXQiOjF9.c2lnbmF0dXJl"
    assert "c2lnbmF0dXJl" not in without_secrets(f"it was {signed}")


def test_a_provider_gets_a_line_and_no_more() -> None:
    hostile = "It\r\nsaid\x00 \x1b[31mthis\u202e\ud800 " + "and more " * 1_000_000
    assert excerpt(hostile).startswith("It said [31mthis and more")
    assert len(excerpt(hostile)) == MAX_EXCERPT
    assert len(sentence(hostile)) == MAX_SENTENCE
    assert sentence(hostile).isprintable()
    assert excerpt("a" * 10 + "0123456789" * 5) == MASK
    assert excerpt(None) == "None"
    assert excerpt("The bank asks for ITEM_LOGIN_REQUIRED (request 4bY8LpZ0).").endswith(
        "(request 4bY8LpZ0)."
    )


@pytest.mark.parametrize("kind", [NotSent, Refused, OutcomeUnknown])
def test_no_error_of_a_provider_holds_a_secret(kind: type[Exception]) -> None:
    error = kind(f"It was {ACCESS_TOKEN}.\nAnd " + "more " * 1_000)
    assert ACCESS_TOKEN not in str(error)
    assert len(str(error)) <= MAX_SENTENCE
    assert "\n" not in str(error)


@pytest.fixture
def plaid(configure: Callable[..., None], sqlite_url: str, redis_url: str) -> Iterator[FakePlaid]:
    with FakePlaid() as server:
        configure(database_url=sqlite_url, redis_url=redis_url, **point_at(server))
        yield server


@pytest.mark.parametrize("token", [ACCESS_TOKEN, ODD_TOKEN])
def test_a_hostile_bank_cannot_have_credentials_written_down(plaid: FakePlaid, token: str) -> None:
    echoed = f"{CLIENT_ID} {SECRET} {token}"
    plaid.faults.refuse(
        "/item/get",
        Refusal(status=400, type=echoed, code=f"{echoed} " * 5_000, message=echoed + "x" * 100_000),
    )
    with pytest.raises(PlaidRefused) as caught:
        port().item(access_token=token)
    kept = [str(caught.value), caught.value.reason, json.dumps(encoding.exception(caught.value))]
    kept.append("".join(traceback.format_exception(caught.value)))
    for text in kept:
        assert not [secret for secret in (CLIENT_ID, SECRET, token) if secret in text]
    assert len(str(caught.value)) < 1_000
    assert caught.value.reason == "HTTP 400"


def test_the_ledger_keeps_no_secret_of_an_error_that_nobody_sorted(configure: Callable[..., None]) -> None:
    configure(smtp_password="p@ss/word")
    error = ValueError(f"p@ss/word {ACCESS_TOKEN}")
    for kept in (encoding.sentence(error), encoding.said(error), encoding.text(repr(error))):
        assert "p@ss/word" not in kept
        assert ACCESS_TOKEN not in kept


@pytest.mark.parametrize(
    "given",
    [
        "<6719f555adf41d187295523b5f3434806f1b918f@example.org>",
        "0100018f2c1b7d3e-5c224a01-8314-4491-a06f-39e193d5cddc-000000",
        "projects/shop/messages/0:1500415314455276%31bd1c9631bd1c96",
    ],
)
def test_the_id_that_a_provider_gives_stays_what_it_is(given: str) -> None:
    assert identifier(given) == given


def test_an_id_that_is_a_secret_is_not_kept(configure: Callable[..., None]) -> None:
    configure(plaid_secret="plaid-secret")
    assert identifier(f"plaid-secret {ACCESS_TOKEN}\n{'x' * 1_000}") == f"{MASK} {MASK} {'x' * 291}…"
