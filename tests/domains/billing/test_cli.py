"""Billing from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.domains.billing import cli
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork
from tests.domains.billing import trade
from tests.domains.billing.time_capture.imports.test_files import HEADER, with_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.domains.billing.trade import Trade

DAY = "2026-03-02T09:00,2026-03-02T17:00"


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


@pytest.fixture
def command(made: Trade, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork billing ... --tenant N`."""
    return lambda *arguments: groundwork(capsys, "billing", *arguments, "--tenant", str(made.tenant))


@pytest.fixture
def march(made: Trade, tmp_path: Path) -> Path:
    """A file of three good rows and a bad one."""
    _, address = with_address(made.admin)
    at = f"Ada Ltd client,Ada Ltd project,{address}"
    rows = [f"k{number},{at},{DAY},,Plans\n" for number in range(3)]
    path = tmp_path / "march.csv"
    path.write_text(HEADER + "".join(rows) + f"k3,{at},tomorrow,{DAY[:16]},,x\n")
    return path


def test_a_file_is_imported_listed_and_approved(command: Callable[..., Outcome], march: Path) -> None:
    imported = command("import", str(march))
    assert imported.code == ExitCode.BAD_INPUT
    assert imported.out == "3 created, 0 updated, 0 unchanged.\n"
    problem, last = imported.err.splitlines()
    assert problem.startswith('march.csv:5: "tomorrow" is not a time')
    assert last == "1 row was left out; the others are imported. Correct them and import the file again."
    pending = json.loads(command("entries", "--period", "2026-03", "--state", "pending", "--json").out)
    assert {entry["external_key"] for entry in pending} == {"k0", "k1", "k2"}
    assert {entry["minutes"] for entry in pending} == {480}
    assert command("approve", "--period", "2026-03").out == "3 approved, 0 were before.\n"
    assert json.loads(command("approve", "--period", "2026-03", "--json").out) == {
        "decided": 0,
        "unchanged": 3,
        "refused": 0,
    }
    assert command("entries", "--period", "2026-04").out == "There is no such entry.\n"


def test_a_script_gets_the_problems_as_json(command: Callable[..., Outcome], march: Path) -> None:
    outcome = command("import", str(march), "--json")
    document = json.loads(outcome.out)
    assert outcome.code == ExitCode.BAD_INPUT
    assert (document["created"], document["refused"]) == (3, 1)
    assert [problem["line"] for problem in document["problems"]] == [5]


def test_a_month_is_approved_in_parts_and_of_one_client(
    command: Callable[..., Outcome], made: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "AT_ONCE", 2)
    other = made.add_project("Other", client=made.add_client())
    made.add_entry(project_id=other)
    made.add_entry(state="billed")
    for _ in range(5):
        made.add_entry()
    outcome = command("approve", "--period", "2026-03", "--client", str(made.client))
    assert outcome.out == "5 approved, 0 were before.\n1 were rejected or billed before, and stay so.\n"
    listed = command("entries", "--state", "pending", "--limit", "1")
    assert "Work" in listed.out
    assert "There are more" not in listed.err


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("approve", "--period", "March"), "'March' is not a billing period"),
        (("import", "/nowhere/none.csv"), "/nowhere/none.csv: No such file or directory."),
        (("entries", "--limit", "0"), "Input should be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    command: Callable[..., Outcome], arguments: tuple[str, ...], says: str
) -> None:
    outcome = command(*arguments)
    assert outcome.code != 0
    assert says in outcome.err


@pytest.mark.databases("sqlite")
def test_a_tenant_that_is_not_there(database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = groundwork(capsys, "billing", "approve", "--tenant", "4711", "--period", "2026-03")
    assert outcome.err == "There is no tenant with the id 4711.\n"
