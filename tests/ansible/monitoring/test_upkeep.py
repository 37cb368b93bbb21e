"""What is written down of a host's backups and certificates, for Prometheus to read."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.ansible.roles import ROLES
from tests.certificates import DAY
from tests.health.doctor.test_certificates import server, speaking_tls
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import PostgresServer

PROGRAM = ROLES / "monitoring" / "files" / "upkeep.py"
MADE_AT = "2026-11-01T03:15:00+00:00"
#: Of how the backups went: what is written there, and what is made of it.
ANNOUNCED = {
    json.dumps({"made_at": MADE_AT, "max_age_hours": 26, "failure": None}): {
        "upkeep_backup_made_timestamp_seconds{}": datetime.fromisoformat(MADE_AT).timestamp(),
        "upkeep_backup_max_age_seconds{}": 26 * 3600,
        "upkeep_backup_failed{}": 0,
    },
    json.dumps({"made_at": MADE_AT, "max_age_hours": 26, "failure": "The disk \x00 is full."}): {
        "upkeep_backup_made_timestamp_seconds{}": datetime.fromisoformat(MADE_AT).timestamp(),
        "upkeep_backup_max_age_seconds{}": 26 * 3600,
        "upkeep_backup_failed{}": 1,
    },
}


def collected(
    folder: Path, *, backups: str | None = None, certificates: tuple[str, ...] = ()
) -> dict[str, float]:
    """By name and labels, what the program writes where that is announced and these are to be asked."""
    announced, told = folder / "status.json", folder / "upkeep.prom"
    announced.unlink(missing_ok=True)
    if backups is not None:
        announced.write_bytes(backups.encode("utf-8", "surrogateescape"))
    asked = [f"--certificate={one}" for one in certificates]
    subprocess.run([sys.executable, "-I", PROGRAM, f"--backups={announced}", *asked, told], check=True)
    lines = (line.rpartition(" ") for line in told.read_text().splitlines())
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize("announced", ANNOUNCED)
def test_how_the_backups_went_is_told(announced: str, tmp_path: Path) -> None:
    assert collected(tmp_path, backups=announced) == ANNOUNCED[announced]


def test_of_a_host_that_makes_no_backups_nothing_is_told(tmp_path: Path) -> None:
    assert collected(tmp_path) == {}


@pytest.mark.parametrize(
    "announced",
    [
        "",
        "[]",
        "{}",
        "\udcff",
        "[" * 60_000,
        json.dumps({"made_at": "2026-11-01T03:15:00", "max_age_hours": 26}),
        json.dumps({"made_at": 1, "max_age_hours": 26}),
        json.dumps({"made_at": MADE_AT, "max_age_hours": float("nan")}),
        json.dumps({"made_at": MADE_AT, "max_age_hours": 10**400}),
        json.dumps({"made_at": MADE_AT, "max_age_hours": 26, "more": "x" * 100_000}),
    ],
)
def test_what_cannot_be_read_is_no_comfort(announced: str, tmp_path: Path) -> None:
    assert collected(tmp_path, backups=announced) == {"upkeep_backup_failed{}": 1}


def test_when_the_certificate_of_a_server_ends_is_told(tmp_path: Path) -> None:
    with server(tmp_path, lasts=(-80 * DAY, 10 * DAY)) as port:
        told = collected(tmp_path, certificates=(f"tls,127.0.0.1:{port},one.example",))
    end, lifetime = told.values()
    assert list(told) == [
        f'upkeep_certificate_{name}_seconds{{place="127.0.0.1:{port}"}}'
        for name in ("end_timestamp", "lifetime")
    ]
    assert abs(end - (datetime.now(UTC) + 10 * DAY).timestamp()) < 3600
    assert lifetime == 90 * DAY.total_seconds()


def test_and_that_of_postgresql(tmp_path: Path, postgres_server: PostgresServer) -> None:
    asked = (f"postgres,127.0.0.1:{postgres_server.port}",)
    assert collected(tmp_path, certificates=asked) == {}
    with speaking_tls(postgres_server, tmp_path):
        wait_until(lambda: collected(tmp_path, certificates=asked), seconds=10, what="it is told")


def test_a_server_that_is_away_and_one_that_says_nothing_keep_nothing_else_from_being_told(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = (f"tls,127.0.0.1:{free_port()}", f"tls,127.0.0.1:{silent.getsockname()[1]}", "nonsense", "")
        assert len(collected(tmp_path, backups=next(iter(ANNOUNCED)), certificates=asked)) == 3
