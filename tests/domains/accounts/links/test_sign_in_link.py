"""Links to sign in with, from the command line of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.links import signing_in
from app.domains.accounts.models import MailedLink
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork
from tests.domains.accounts.people import ANN, add_person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


@pytest.fixture
def make(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork users sign-in-link ...`."""
    return lambda *arguments: groundwork(capsys, "users", "sign-in-link", *arguments)


def is_good(link: str, *, at: str) -> bool:
    begin = f"{at}/console/sign-in/link?token="
    assert link.startswith(begin)
    with reading() as session:
        return signing_in.whose(session, token=link.removeprefix(begin).strip()).email == ANN


def links() -> int:
    with reading() as session:
        return session.query(MailedLink).count()


def test_it_is_printed_alone_and_what_it_does_beside_it(make: Callable[..., Outcome]) -> None:
    add_person()
    made = make(ANN)
    assert made.code == ExitCode.OK
    assert is_good(made.out, at="http://127.0.0.1:8000")
    assert made.err == f"Whoever has it signs in as {ANN}, once and within 15 minutes.\n"


def test_it_leads_to_the_host_that_is_named_or_that_this_is(
    make: Callable[..., Outcome], configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person()
    assert is_good(make(ANN, "--at", "https://jobs.example.org/").out, at="https://jobs.example.org")
    monkeypatch.setattr("socket.getfqdn", lambda: "one.example.org")
    configure(release="20261129-4d5e6f7")
    assert is_good(make(ANN).out, at="https://one.example.org")


def test_into_a_file_it_is_written_for_its_owner_alone(make: Callable[..., Outcome], tmp_path: Path) -> None:
    add_person()
    file = tmp_path / "link"
    made = make(ANN, "--to", str(file))
    assert made.out == ""
    assert file.stat().st_mode & 0o777 == 0o600
    assert is_good(file.read_text(), at="http://127.0.0.1:8000")
    again = make(ANN, "--to", str(file))
    assert again.code == ExitCode.BAD_INPUT
    assert "File exists; no link was made" in " ".join(again.err.split())
    assert is_good(file.read_text(), at="http://127.0.0.1:8000")


@pytest.mark.parametrize("at", ["", "jobs.example.org", "https://a b", "javascript:alert(1)", "https://x/y"])
def test_what_is_no_address_of_a_host_is_refused(make: Callable[..., Outcome], at: str) -> None:
    add_person()
    refused = make(ANN, "--at", at)
    assert refused.code == ExitCode.BAD_INPUT
    assert "give it as https://HOST, without a path" in " ".join(refused.err.split())
    assert links() == 0


def test_nobody_gets_one_who_may_not_sign_in(make: Callable[..., Outcome]) -> None:
    unknown = make("nobody@example.org")
    assert (unknown.code, unknown.err) == (1, "There is no user with the address nobody@example.org.\n")
    add_person()
    with transaction() as session:
        administration.disable(session, email=ANN)
    disabled = make(ANN)
    assert disabled.code == 1
    assert f"{ANN} may not sign in. First: groundwork users enable {ANN}" in disabled.err
    assert links() == 0
