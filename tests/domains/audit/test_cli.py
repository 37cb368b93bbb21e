"""The audit logs from the command line."""

from __future__ import annotations

import csv
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Outcome, groundwork
from tests.domains.audit.log import record, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]
HOUR = 3_600 * 10**9


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork audit ...`."""
    return lambda *arguments: groundwork(capsys, "audit", *arguments)


def test_a_list_is_narrowed_by_its_options(command: Callable[..., Outcome]) -> None:
    now = time.time_ns()
    write(record(at=now - 5 * HOUR, path="/old", status=403), record(at=now, path="/new", status=403))
    write(record(at=now, path="/fine", status=200))
    rows = json.loads(command("list", "--status", "403", "--since", "2h", "--json").out)
    assert [row["path"] for row in rows] == ["/new"]
    assert "/old" in command("list", "--path", "/o").out
    assert command("list", "--user", "nobody").out == "No record matches.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--log", "logins", "--path", "/x"], "--path: the logins have none"),
        (["--status", "many"], "--status: Give a whole number"),
        (["--log", "logins", "--status", "403"], "--status: Input should be 'success' or 'failure'"),
        (["--trace-id", "\udcff"], "is not UTF-8 text"),
        (["--since", "yesterday"], '"yesterday" is not a duration'),
    ],
)
def test_an_option_that_is_none_of_the_log_is_refused(
    command: Callable[..., Outcome], arguments: list[str], complaint: str
) -> None:
    outcome = command("list", *arguments)
    assert outcome.code != 0
    assert complaint in outcome.err


def test_an_export_is_a_file(command: Callable[..., Outcome], tmp_path: Path) -> None:
    write(record(path="/a"), record(path="=b"))
    command("export", "--to", str(tmp_path / "log.csv"))
    with (tmp_path / "log.csv").open(newline="") as file:
        assert sorted(row["path"] for row in csv.DictReader(file)) == ["'=b", "/a"]
    assert command("export", "--to", "-", "--log", "logins").out.startswith("id,at,")


def test_a_place_that_cannot_be_written_is_named(command: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = command("export", "--to", str(tmp_path / "no" / "log.csv"))
    assert outcome.code != 0
    assert "log.csv cannot be written: No such file or directory" in outcome.err
