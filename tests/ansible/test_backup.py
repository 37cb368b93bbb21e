"""The program of the role `backup`: what it saves comes back, and what is damaged stays away."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.ansible.roles import read
from tests.servers import PostgresServer, RedisServer, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parents[2] / "ansible/roles/backup/files"
CALL = "from groundwork_backup.command import main; main()"


class Host:
    """A host's folders, and the program as it runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backups = folder / "backups"
        self.backups.mkdir()
        self.configuration: dict[str, Any] = {
            "folder": str(self.backups),
            "keep": 3,
            "max_age_hours": 26,
            "release": str(folder / "release.json"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        file = self.folder / "backup.json"
        file.write_text(json.dumps(self.configuration))
        command = [sys.executable, "-c", CALL, "--configuration", str(file), *arguments]
        environment = os.environ | {"PYTHONPATH": str(PROGRAM), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def does(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 1
        return done.stderr

    def names(self) -> list[str]:
        return [backup["name"] for backup in json.loads(self.does("list"))]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with nothing on it."""
    return Host(tmp_path)


@pytest.fixture
def ledger(host: Host) -> Path:
    """The host's ledger: a SQLite file with one table, numbered."""
    path = host.folder / "groundwork.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE job (id INTEGER PRIMARY KEY)")
    host.configuration["sqlite"] = str(path)
    return path


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, for it is stopped and started."""
    redis = RedisServer()
    redis.start()
    yield redis
    redis.close()


def insert(ledger: Path, *, count: int) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        for _ in range(count):
            database.execute("INSERT INTO job DEFAULT VALUES")


def jobs(ledger: Path) -> int:
    with closing(sqlite3.connect(ledger)) as database:
        return int(database.execute("SELECT count(*) FROM job").fetchone()[0])


def only(host: Host) -> Path:
    (name,) = host.names()
    return host.backups / name


def test_a_sqlite_ledger_comes_back_as_it_was_at_some_moment_of_the_backup(host: Host, ledger: Path) -> None:
    insert(ledger, count=50)
    writer = threading.Thread(target=insert, args=(ledger,), kwargs={"count": 300})
    writer.start()
    host.does("create")
    writer.join()
    assert jobs(ledger) == 350
    host.does("restore", "latest")
    assert 50 <= jobs(ledger) <= 350
    with closing(sqlite3.connect(ledger)) as database:
        highest = database.execute("SELECT max(id) FROM job").fetchone()[0]
    assert highest == jobs(ledger)


def test_redis_loses_nothing_that_it_had_before_the_backup_though_it_rewrites_its_files(
    host: Host, server: RedisServer
) -> None:
    host.configuration["redis"] = str(server.folder)
    client = server.client()
    for number in range(2000):
        client.rpush("queue", "x" * 200 + str(number))

    def rewrite() -> None:
        for _ in range(5):
            client.bgrewriteaof()
            wait_until(
                lambda: not client.info("persistence")["aof_rewrite_in_progress"],
                seconds=30,
                what="rewritten",
            )

    rewriter = threading.Thread(target=rewrite)
    rewriter.start()
    host.does("create")
    rewriter.join()
    client.flushall()
    assert server.process
    stop(server.process)
    host.does("restore", "latest")
    server.start()
    assert server.client().llen("queue") == 2000
    assert server.client().lindex("queue", -1) == b"x" * 200 + b"1999"


def test_redis_that_runs_is_not_written_under(host: Host, server: RedisServer) -> None:
    host.configuration["redis"] = str(server.folder)
    host.does("create")
    assert "Stop it first" in host.refuses("restore", "latest")


def test_a_postgresql_ledger_is_replaced_as_a_whole(
    host: Host, postgres_server: PostgresServer, postgres_url: str
) -> None:
    secret = host.folder / "database_url"
    secret.write_text(postgres_url.replace("groundwork@", "groundwork:secret@"))
    host.configuration["database_url"] = str(secret)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE TABLE shop (id int)")
        database.execute("INSERT INTO shop SELECT generate_series(1, 1000)")
        host.does("create")
        database.execute("DELETE FROM shop")
        database.execute("CREATE TABLE later (id int)")
    host.does("restore", "latest")
    with psycopg.connect(postgres_url) as database:
        assert database.execute("SELECT count(*) FROM shop").fetchone() == (1000,)
        assert database.execute("SELECT to_regclass('later')").fetchone() == (None,)
        assert database.execute("SELECT version_num FROM alembic_version").fetchone()


def test_a_dump_that_ends_too_early_changes_nothing(host: Host, postgres_url: str) -> None:
    secret = host.folder / "database_url"
    secret.write_text(postgres_url)
    host.configuration["database_url"] = str(secret)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE TABLE shop AS SELECT md5(n::text) FROM generate_series(1, 50000) n")
    host.does("create")
    dump = only(host) / "database/groundwork.dump"
    cut = dump.read_bytes()[: dump.stat().st_size // 2]
    dump.write_bytes(cut)
    forge(only(host))
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE TABLE later (id int)")
    assert "Nothing was changed" in host.refuses("restore", "latest")
    with psycopg.connect(postgres_url) as database:
        assert database.execute("SELECT count(*) FROM shop").fetchone() == (50_000,)
        assert database.execute("SELECT to_regclass('later')::text").fetchone() == ("later",)


def forge(backup: Path) -> None:
    """Make the manifest agree with what is there."""
    script = (
        "import dataclasses, pathlib, sys; from groundwork_backup import manifest; "
        "folder = pathlib.Path(sys.argv[1]); manifest.write(folder, manifest.read(folder))"
    )
    environment = os.environ | {"PYTHONPATH": str(PROGRAM), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", script, str(backup)], check=True, env=environment)


@pytest.mark.parametrize("harm", ["changed", "missing", "added"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(host: Host, ledger: Path, harm: str) -> None:
    host.does("create")
    insert(ledger, count=5)
    copy = only(host) / "database/groundwork.db"
    if harm == "changed":
        copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    elif harm == "missing":
        copy.unlink()
    else:
        copy.with_name("other").touch()
    assert "is damaged: database/" in host.refuses("restore", "latest")
    assert jobs(ledger) == 5


def test_the_oldest_go_and_what_was_left_half_done(host: Host, ledger: Path) -> None:
    (host.backups / ".incomplete-20260101T0000Z/database").mkdir(parents=True)
    for name in ("one", "two", "three", "four"):
        host.does("create", "--name", name)
    assert host.names() == ["two", "three", "four"]
    assert sorted(path.name for path in host.backups.iterdir()) == ["four", "three", "two"]


def test_a_backup_that_fails_leaves_nothing_but_its_reason(host: Host, ledger: Path) -> None:
    host.configuration["redis"] = str(host.folder / "nowhere")
    assert "no append-only files" in host.refuses("create")
    assert host.names() == []
    assert "The last backup failed at" in host.refuses("status")
    del host.configuration["redis"]
    host.does("create")
    assert "The newest of 1 backups" in host.does("status")


def test_an_old_backup_is_no_comfort(host: Host, ledger: Path) -> None:
    assert "no backup yet" in host.refuses("status")
    host.does("create")
    host.configuration["max_age_hours"] = 0.000001
    assert "more than" in host.refuses("status")


def test_backups_of_one_minute_have_names_of_their_own(host: Host, ledger: Path) -> None:
    host.does("create")
    host.does("create")
    assert len(set(host.names())) == 2


def test_a_backup_that_is_not_there_is_named_with_those_that_are(host: Host, ledger: Path) -> None:
    host.does("create", "--name", "before-upgrade")
    assert "before-upgrade" in host.refuses("restore", "before-upgrad")


def test_nobody_else_may_read_a_backup_nor_what_comes_back_of_the_secrets(host: Host, ledger: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files to root")
    settings = host.folder / "etc"
    (settings / "credentials").mkdir(parents=True)
    (settings / "credentials/secret_key").write_text("secret")
    host.configuration["settings"] = str(settings)
    host.does("create")
    assert {path.stat().st_mode & 0o077 for path in (only(host), *only(host).rglob("*"))} == {0}
    (settings / "credentials/secret_key").write_text("other")
    host.does("restore", "latest", "--only", "settings")
    secret = settings / "credentials/secret_key"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("secret", 0o640)


def come_from_elsewhere(host: Host, name: str) -> None:
    """Let the backup be one that another host made."""
    file = host.backups / name / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"host": "the-old-host"}))


def test_the_latest_is_none_that_a_restore_has_made(host: Host, ledger: Path) -> None:
    host.does("create", "--name", "nightly")
    insert(ledger, count=3)
    host.does("create", "--name", "before-restore-20260101T000000Z")
    host.does("restore", "latest")
    assert jobs(ledger) == 0
    host.does("restore", "before-restore-20260101T000000Z")
    assert jobs(ledger) == 3


def test_where_a_restore_has_made_all_backups_none_is_the_latest(host: Host, ledger: Path) -> None:
    host.does("create", "--name", "before-restore-20260101T000000Z")
    assert "no backup latest" in host.refuses("restore", "latest")


def test_a_blank_hosts_own_backup_is_not_taken_for_the_one_that_came_from_elsewhere(
    host: Host, ledger: Path
) -> None:
    insert(ledger, count=7)
    host.does("create", "--name", "old")
    come_from_elsewhere(host, "old")
    ledger.unlink()
    with closing(sqlite3.connect(ledger)) as database:
        database.execute("CREATE TABLE job (id INTEGER PRIMARY KEY)")
    host.does("create", "--name", "nightly")
    said = host.refuses("verify", "latest")
    assert "old was made on the-old-host and was never restored here" in said
    host.does("restore", "old")
    assert jobs(ledger) == 7
    host.does("create", "--name", "next")
    assert json.loads(host.does("verify", "latest"))["name"] == "next"


def test_what_came_from_elsewhere_is_not_forgotten(host: Host, ledger: Path) -> None:
    host.does("create", "--name", "old")
    come_from_elsewhere(host, "old")
    for number in range(5):
        host.does("create", "--name", f"nightly-{number}")
    assert host.names() == ["old", "nightly-2", "nightly-3", "nightly-4"]


def test_what_a_restore_saves_first_takes_no_other_backup_away(host: Host, ledger: Path) -> None:
    for name in ("one", "two", "three", "before-restore-20260101T000000Z"):
        host.does("create", "--name", name)
    assert host.names()[0] == "one"


def test_settings_of_another_host_leave_where_the_servers_of_this_one_are(host: Host) -> None:
    settings = host.folder / "etc"
    (settings / "credentials").mkdir(parents=True)

    def write(env: str, **secrets: str) -> None:
        (settings / "groundwork.env").write_text(env)
        for name, value in secrets.items():
            (settings / "credentials" / name).write_text(value)

    write(
        "# managed\nGROUNDWORK_RETENTION_DAYS=7\nGROUNDWORK_REDIS_PREFIX=old:\nGROUNDWORK_API_PORT=8100",
        secret_key="old",
        redis_url="redis://old",
        database_url="postgresql://old",
    )
    host.configuration |= {
        "settings": str(settings),
        "settings_kept": read("backup", "defaults/main.yml")["backup_settings_kept"],
    }
    host.does("create", "--name", "old")
    write(
        "GROUNDWORK_REDIS_PREFIX=new:\nGROUNDWORK_RETENTION_DAYS=30\n",
        secret_key="new",
        redis_url="redis://new",
        database_url="postgresql://new",
    )
    host.does("restore", "old", "--only", "settings")
    assert (settings / "groundwork.env").read_text().splitlines() == [
        "# managed",
        "GROUNDWORK_RETENTION_DAYS=7",
        "GROUNDWORK_REDIS_PREFIX=new:",
    ]
    found = {path.name: path.read_text() for path in (settings / "credentials").iterdir()}
    assert found == {"secret_key": "old", "redis_url": "redis://new", "database_url": "postgresql://new"}
