"""The disk of the database is really full: what was accepted waits, what comes is refused."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.sessions import transaction
from app.jobs.ledger.models import Outcome, State
from tests.api_client import client_for
from tests.faults.ledger import effects
from tests.faults.on_own_server import worker_on
from tests.jobs.running import attempts_of, ended
from tests.sample import hard_ends, tasks
from tests.servers import PostgresServer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Response
    from starlette.testclient import TestClient

    from tests.fleet import Process

KIB = 1024
MEBIBYTE = 1024 * KIB
DISK = 128 * MEBIBYTE
#: In a file system that only the server sees, and that ends with it. Its log is elsewhere, as on a host that
#: has a disk for it: PostgreSQL itself ends when that is full.
START = """
set -e
mount -t tmpfs -o size=$1 none "$2"
cp --archive "$3/." "$2"
chown --reference="$3" "$2"
chmod 700 "$2"
mv "$2/pg_wal" "$4"
ln -s "$4" "$2/pg_wal"
shift 4
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
"""


class SmallDisk(PostgresServer):
    """A server whose data have a disk of their own, a small one."""

    def start(self, *, copy_of: Path | None = None) -> None:
        """Start it on a copy of the data of another one."""
        self.data.mkdir()
        self.folder.chmod(0o711)
        place = [str(DISK), str(self.data), str(copy_of), str(self.folder / "wal")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", START, "start", *place, *self.command()],
                stderr=log,
                stdout=log,
            )
        wait_until(self.answers, seconds=30, what="PostgreSQL answers")

    @property
    def ballast(self) -> Path:
        """A file on its disk."""
        assert self.process
        return Path(f"/proc/{self.process.pid}/root{self.data}/ballast")

    def fill(self) -> None:
        """Leave no byte."""
        with self.ballast.open("wb", buffering=0) as file:
            for size in (MEBIBYTE, KIB):
                _write_all(file.fileno(), b"\x00" * size)


def _write_all(file: int, piece: bytes) -> None:
    while True:
        try:
            os.write(file, piece)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return
            raise


def may_mount() -> bool:
    """Whether a test may have a file system of its own here."""
    done = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return done.returncode == 0


@pytest.fixture
def disk(postgres_data: Path) -> Iterator[SmallDisk]:
    if not may_mount():
        pytest.skip("who runs the tests may not mount a file system")
    server = SmallDisk()
    try:
        server.start(copy_of=postgres_data)
        yield server
    finally:
        server.close()


@pytest.fixture
def worker(disk: SmallDisk, tmp_path: Path) -> Iterator[Process]:
    """A worker and a beat on that server."""
    with worker_on(disk, tmp_path, processes=2) as started:
        with transaction() as session:
            session.execute(text("CREATE TABLE bulk (line text NOT NULL)"))
        yield started


def accepted_until_refused(client: TestClient) -> tuple[list[str], Response]:
    """The jobs that there was still room for, and the first answer that says there is none."""
    accepted: list[str] = []
    jobs = [{"task": tasks.add.name, "arguments": {"x": 1, "y": number}} for number in range(500)]
    for _ in range(20):
        answer = client.post("/api/v1/jobs/batch", json={"jobs": jobs})
        if not answer.is_success:
            return accepted, answer
        accepted += [job["id"] for job in answer.json()["jobs"]]
    raise AssertionError("The disk is not full.")


def test_a_full_disk_costs_no_job_and_no_attempt(disk: SmallDisk, worker: Process, tmp_path: Path) -> None:
    client, go = client_for(), tmp_path / "go"
    writing = str(hard_ends.write_much.delay(str(go), "much").id)
    wait_until((tmp_path / "go.much").exists, seconds=20, what="the job runs")
    disk.fill()
    go.touch()
    accepted, refused = accepted_until_refused(client)
    assert refused.status_code == 503, refused.text
    assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
    assert client.get("/api/v1/jobs").status_code == 200
    wait_until(lambda: "disk" in worker.log.read_text().lower(), seconds=20, what="the worker says why")

    disk.ballast.unlink()
    for job_id in [writing, *accepted]:
        job = ended(job_id, seconds=60)
        assert (job.state, job.attempt) == (State.DONE, 1), job.error
        assert {each.outcome for each in attempts_of(job_id)} <= {Outcome.RELEASED}
    assert effects() == ["much"]
    assert worker.popen.poll() is None
