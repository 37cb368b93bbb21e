"""Users from the command line."""

from __future__ import annotations

import json
from io import BytesIO, StringIO, TextIOWrapper
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.accounts import service
from app.domains.accounts.models import Password, User
from app.domains.accounts.passwords.hashing import matches
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

PASSWORD = "wide rivers run slowly"


class Terminal(StringIO):
    """Standard input at which a person sits."""

    def isatty(self) -> bool:
        return True


ANN = ("--email", "Ann@example.org", "--name", "Ann")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs `groundwork users ...` with `typed` on standard input."""

    def run(*arguments: str, typed: str = f"{PASSWORD}\n") -> Outcome:
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        return groundwork(capsys, "users", *arguments)

    return run


def stored_hash(email_key: str = "ann@example.org") -> str | None:
    rows = select(Password.password_hash).join(User, User.id == Password.user_id)
    with reading() as session:
        return session.scalar(rows.where(User.email_key == email_key))


def listed(command: Callable[..., Outcome], *options: str) -> list[tuple[str, str, str]]:
    rows = json.loads(command("list", "--json", *options).out)
    return [(row["email"], row["role"], row["state"]) for row in rows]


def test_the_first_administrator_is_made_with_a_password_from_standard_input(
    command: Callable[..., Outcome],
) -> None:
    made = command("create", "--admin", *ANN)
    assert (made.code, made.out) == (
        ExitCode.OK,
        "User 1 signs in as Ann@example.org, with the role admin.\n",
    )
    assert matches(PASSWORD, stored=stored_hash())
    assert listed(command) == [("Ann@example.org", "admin", "enabled")]


def test_neither_the_password_nor_its_hash_is_ever_shown(command: Callable[..., Outcome]) -> None:
    outcomes = [command("create", "--admin", *ANN), command("list"), command("list", "--json")]
    for shown in (outcome.out + outcome.err for outcome in outcomes):
        assert PASSWORD not in shown
        assert "argon2" not in shown


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nmore\n"])
def test_the_password_is_the_first_line_without_its_end(command: Callable[..., Outcome], end: str) -> None:
    command("create", "--role", "viewer", *ANN, typed=f" {PASSWORD} {end}")
    assert matches(f" {PASSWORD} ", stored=stored_hash())


@pytest.mark.parametrize(
    ("arguments", "typed", "named"),
    [
        (["--admin", *ANN], "", "0 characters"),
        (["--admin", *ANN], "short\n", "5 characters"),
        (["--admin", *ANN], "x" * 10_000_000, "over 256 characters"),
        (["--admin", *ANN], "wide rivers\x00run slowly\n", "U+0000"),
        (["--admin", *ANN], "wide rivers\udcff run slowly\n", "surrogate"),
        (["--admin", *ANN], "Ann@example.orgAnn@example.org\n", "name or the address"),
        (ANN, PASSWORD, "--role"),
        (["--role", "king", *ANN], PASSWORD, "king"),
        (["--admin", "--role", "viewer", *ANN], PASSWORD, "contradict"),
        (["--admin", "--email", "ann", "--name", "Ann"], PASSWORD, "--email"),
        (["--admin", "--email", "ann@example.org", "--name", ""], PASSWORD, "--name"),
        (["--admin", "--email", "ann@example.org", "--name", "a\x00b"], PASSWORD, "U+0000"),
        (["--admin", "--name", "Ann"], PASSWORD, "--email"),
        (["--admin", *ANN, "--password", PASSWORD], "", "--password"),
    ],
)
def test_a_user_that_cannot_be_is_bad_input_and_nobody_is_made(
    command: Callable[..., Outcome], arguments: list[str], typed: str, named: str
) -> None:
    outcome = command("create", *arguments, typed=typed)
    assert outcome.code == ExitCode.BAD_INPUT
    assert named in outcome.err
    with reading() as session:
        assert session.scalars(select(User)).all() == []


def test_a_password_that_is_not_utf_8_is_bad_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"wide r\xffvers run slowly"), encoding="utf-8"))
    outcome = groundwork(capsys, "users", "create", "--admin", *ANN)
    assert (outcome.code, "not UTF-8" in outcome.err) == (ExitCode.BAD_INPUT, True)


def test_on_a_terminal_the_password_is_asked_for_twice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([PASSWORD, "wide rivers run slowyl", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin", Terminal())
    refused = groundwork(capsys, "users", "create", "--admin", *ANN)
    assert (refused.code, "not the same" in refused.err) == (ExitCode.BAD_INPUT, True)
    assert groundwork(capsys, "users", "create", "--admin", *ANN).code == ExitCode.OK
    assert matches(PASSWORD, stored=stored_hash())


def test_an_address_that_is_taken_keeps_its_password(command: Callable[..., Outcome]) -> None:
    command("create", "--role", "viewer", *ANN)
    again = command(
        "create", "--admin", "--email", "ANN@example.org", "--name", "X", typed="another one of mine"
    )
    assert (again.code, "already registered" in again.err) == (ExitCode.FAILED, True)
    assert matches(PASSWORD, stored=stored_hash())
    assert listed(command) == [("Ann@example.org", "viewer", "enabled")]


def test_who_only_registered_has_no_role_and_gets_one(command: Callable[..., Outcome]) -> None:
    with transaction() as session:
        service.register(session, service.NewUser(email="bob@example.org", name="Bob"))
    assert listed(command) == []
    assert command("set-password", "bob@example.org").code == ExitCode.OK
    assert command("set-role", "BOB@example.org", "operator").code == ExitCode.OK
    assert listed(command) == [("bob@example.org", "operator", "enabled")]
    assert listed(command, "--role", "admin") == []
    assert matches(PASSWORD, stored=stored_hash("bob@example.org"))


def test_a_user_is_disabled_once_and_enabled_again(command: Callable[..., Outcome]) -> None:
    command("create", "--role", "viewer", *ANN)
    for _ in range(2):
        assert command("disable", "ann@example.org").code == ExitCode.OK
        assert listed(command) == [("Ann@example.org", "viewer", "disabled")]
    assert command("enable", "ann@example.org").code == ExitCode.OK
    assert listed(command) == [("Ann@example.org", "viewer", "enabled")]


@pytest.mark.parametrize("change", [["disable"], ["enable"], ["set-role", "viewer"], ["set-password"]])
@pytest.mark.parametrize("address", ["nobody@example.org", "", "x\x00y", "é" * 5_000])
def test_an_address_that_nobody_has_is_said(
    command: Callable[..., Outcome], change: list[str], address: str
) -> None:
    name, *rest = change
    outcome = command(name, address, *rest)
    assert (outcome.code, "no user with the address" in outcome.err) == (ExitCode.FAILED, True)
