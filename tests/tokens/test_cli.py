"""API tokens from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading
from app.logs.failures import ExitCode
from app.tokens.callers import InvalidToken
from app.tokens.service import authenticate
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork token ...`."""
    return lambda *arguments: groundwork(capsys, "token", *arguments)


def test_the_secret_is_all_that_standard_output_gets_and_it_works(command: Callable[..., Outcome]) -> None:
    secret = command("create", "--name", "nightly", "--scope", "jobs:read").out.strip()
    with reading() as session:
        caller = authenticate(session, secret=secret)
    assert (caller.name, caller.scopes) == ("nightly", frozenset({"jobs:read"}))


def test_a_token_may_end_after_a_span(command: Callable[..., Outcome]) -> None:
    made = json.loads(command("create", "--name", "short", "--scope", "*", "--expires", "90d", "--json").out)
    ends = datetime.fromisoformat(made["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)


def test_the_list_never_shows_a_secret(command: Callable[..., Outcome]) -> None:
    secret = command("create", "--name", "nightly", "--scope", "*").out.strip()
    for outcome in (command("list"), command("list", "--json")):
        assert "nightly" in outcome.out
        assert secret[-20:] not in outcome.out


def test_a_revoked_token_is_listed_as_such(command: Callable[..., Outcome]) -> None:
    command("create", "--name", "nightly", "--scope", "*")
    assert command("revoke", "nightly").code == ExitCode.OK
    assert [token["state"] for token in json.loads(command("list", "--json").out)] == ["revoked"]
    assert command("revoke", "nightly").code == ExitCode.FAILED


def test_a_lent_token_works_until_standard_input_ends(
    command: Callable[..., Outcome], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets: list[str] = []

    class Borrower(StringIO):
        def read(self, _: int | None = -1) -> str:
            secrets.append(capsys.readouterr().out.strip())
            with reading() as session:
                assert authenticate(session, secret=secrets[0]).scopes == {"jobs:read"}
            return ""

    monkeypatch.setattr("sys.stdin", Borrower())
    assert command("lend", "--name", "trial", "--scope", "jobs:read").code == ExitCode.OK
    with reading() as session, pytest.raises(InvalidToken):
        authenticate(session, secret=secrets[0])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--scope", "*"], "--name"),
        (["--name", "x"], "--scope"),
        (["--name", "x", "--scope", "jobs:raed"], "jobs:read"),
        (["--name", "x", "--scope", "*", "--expires", "soon"], "--expires"),
        (["--name", "x", "--scope", "*", "--expires", "0d"], "expire"),
        (["--name", "a b", "--scope", "*"], "a b"),
    ],
)
def test_a_token_that_cannot_be_is_bad_input_and_the_fault_is_named(
    command: Callable[..., Outcome], arguments: list[str], named: str
) -> None:
    outcome = command("create", *arguments)
    assert outcome.code == ExitCode.BAD_INPUT
    assert named in outcome.err
