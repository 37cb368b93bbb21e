"""Arguments are kept without secrets and in a bounded size, whatever was sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.audit.recording.arguments import BUDGET, arguments_of, declared_sensitive, is_secret
from app.jobs.declaration import registry
from app.jobs.declaration.registry import TaskSpec
from app.logs.masking import MASK

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = f"gw_0123456789ab_{'x' * 43}"


@pytest.fixture(autouse=True)
def settings(configure: Callable[..., None]) -> None:
    configure()


def of_body(document: object) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return arguments_of(query=b"", body=body, body_size=len(body)).get("body")


def of_query(query: str) -> Any:
    return arguments_of(query=query.encode(), body=b"", body_size=0).get("query")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "passwd",
        "client_secret",
        "Authorization",
        "refresh_token",
        "apiKey",
        "api-key",
        "key",
        "privateKey",
        "idempotency_key",
        "csrf",
        "otp",
        "pin",
        "Cookie",
        "session_id",
    ],
)
def test_a_name_of_a_secret_is_known_as_one(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["name", "author", "monkey", "keyboard", "pinned", "compass", "email", "名前"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_secret(name)


def test_what_a_task_declares_sensitive_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    def post(letter: str) -> None: ...

    assert of_body({"task": "sample.post", "arguments": {"letter": "Dear"}})["arguments"] == {
        "letter": "Dear"
    }
    spec = TaskSpec(name="sample.post", body=post, sensitive=frozenset({"letter"}))
    monkeypatch.setitem(registry._DECLARED, spec.name, spec)
    declared_sensitive.cache_clear()
    assert of_body({"task": "sample.post", "arguments": {"letter": "Dear"}})["arguments"] == {"letter": MASK}
    monkeypatch.undo()
    declared_sensitive.cache_clear()


def test_secrets_are_masked_at_any_depth() -> None:
    found = of_body({"a": [{"b": {"password": {"old": "x", "new": "y"}, "name": "Zoë"}}]})
    assert found == {"a": [{"b": {"password": MASK, "name": "Zoë"}}]}


def test_a_secret_is_known_by_its_shape_where_its_name_tells_nothing() -> None:
    assert of_body({"note": f"use {TOKEN}"}) == {"note": f"use {MASK}"}
    assert of_query(f"note={TOKEN}") == {"note": MASK}


def test_a_query_that_names_something_twice_keeps_both() -> None:
    assert of_query("state=dead&state=done&token=x&empty=") == {
        "state": ["dead", "done"],
        "token": MASK,
        "empty": "",
    }


@pytest.mark.parametrize(
    "body",
    [b'{"password": "x"', b'{"a": NaN}', b'{"a": 1, "a": 2}', b"password=x", b"\xff", b'{"a": "\\u0000"}'],
)
def test_of_a_body_that_is_no_document_only_the_size_is_kept(body: bytes) -> None:
    assert of_body(body) == f"... {len(body)} bytes"


def test_of_a_huge_query_only_the_size_is_kept() -> None:
    assert of_query("a=" + "x" * 100_000) == {"...": "100002 bytes"}


def test_what_no_database_can_hold_is_replaced() -> None:
    assert of_query("a=%00&b=%ed%a0%80")["a"] == "?"
    assert "\x00" not in json.dumps(of_query("%00=1"))


@pytest.mark.parametrize(
    "document",
    [
        {f"name{number}": "x" * 50 for number in range(1_000)},
        ["x" * 10_000] * 5,
        [1] * 20_000,
        {"a": {"b": [["deep"] * 3_000]}},
        "x" * 60_000,
        {"表" * 5_000: "字" * 5_000},
    ],
)
def test_long_arguments_are_cut(document: object) -> None:
    assert len(json.dumps(of_body(document), ensure_ascii=False)) < 2 * BUDGET


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(document=json_values, query=st.binary(max_size=300))
def test_whatever_is_sent_can_be_kept(document: Any, query: bytes) -> None:
    body = json.dumps(document).encode()
    found = arguments_of(query=query, body=body, body_size=len(body))
    kept = json.dumps(found, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in kept
    kept.encode()
