"""A ledger in PostgreSQL: a database of this host's server, or one that a URL names."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from .errors import BackupError, CommandFailed, run

FILE = "groundwork.dump"
ADMINISTRATOR = "postgres"
CLUSTERS = Path("/etc/postgresql")
#: All of the old goes in the transaction that brings the new; 10 s is long for what nobody should use now.
EMPTY = b"""\
SET lock_timeout = '10s';
DROP SCHEMA IF EXISTS public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
RESET lock_timeout;
"""


@dataclass(frozen=True, kw_only=True)
class Postgresql:
    """A database, by what libpq takes as its name."""

    database: str
    password: str | None = None
    #: The system user to be: the server knows its administrator by that.
    user: str | None = None
    #: The version and name by which Debian's commands find the server.
    cluster: str | None = None
    name: str = "database"

    def save(self, folder: Path) -> None:
        """Dump the database as of one moment, and see that the dump can be read."""
        folder.mkdir(mode=0o700)
        with (folder / FILE).open("xb") as dump:
            run(["pg_dump", "--format=custom", *self._target], stdout=dump, **self._how)
        run(["pg_restore", "--list", str(folder / FILE)], stdout=subprocess.DEVNULL)

    def restore(self, folder: Path) -> None:
        """Replace all that is in the database, or nothing: it is one transaction."""
        # Another server has other roles; there, all belongs to who restores it.
        owners = [] if self.user else ["--no-owner", "--no-acl"]
        reader = _started(
            ["pg_restore", "--file=-", *owners, str(folder / FILE)], stdout=subprocess.PIPE, stderr=None
        )
        psql = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        writer = _started(
            [*psql, "--file=-", *self._target],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **self._how,
        )
        _feed(reader, writer)

    @property
    def _target(self) -> list[str]:
        return ["--no-password", f"--dbname={self.database}"]

    @property
    def _how(self) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        if self.cluster is not None:
            environment["PGCLUSTER"] = self.cluster
        if self.password is not None:
            environment["PGPASSWORD"] = self.password
        # The folder that this was started in may be closed to that user.
        how: dict[str, Any] = {"env": environment, "cwd": "/"}
        return how | ({"user": self.user, "group": self.user, "extra_groups": []} if self.user else {})


def local(name: str, *, cluster: str, home: Path = CLUSTERS) -> Postgresql:
    """The database `name` of this host's server `cluster`, as its administrator."""
    versions = sorted((path.parent.name for path in home.glob(f"*/{cluster}")), key=float)
    if not versions:
        raise BackupError(f"There is no PostgreSQL cluster {cluster} here (pg_lsclusters). Deploy first.")
    return Postgresql(database=name, user=ADMINISTRATOR, cluster=f"{versions[-1]}/{cluster}")


def by_url(url: str) -> Postgresql:
    """The database of a SQLAlchemy or libpq URL; the password stays off the command lines."""
    parts = urlsplit(url.strip())
    if not parts.scheme.startswith("postgres"):
        raise BackupError(f"The database URL begins with {parts.scheme}://, and not with postgresql://.")
    place = parts.netloc.rpartition("@")[2]
    who = f"{parts.username}@" if parts.username else ""
    plain = urlunsplit(("postgresql", who + place, parts.path, parts.query, ""))
    return Postgresql(database=plain, password=unquote(parts.password) if parts.password else None)


def _started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)  # noqa: S603 (our own)
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is not installed. Install postgresql-client.") from None


def _feed(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> None:
    """Hand the dump on; what is not whole is not committed."""
    if reader.stdout is None or writer.stdin is None:
        raise BackupError("There is nothing to read from or to write to.")
    try:
        writer.stdin.write(EMPTY)
        shutil.copyfileobj(reader.stdout, writer.stdin)
    except BrokenPipeError:
        reader.kill()
    else:
        if reader.wait() != 0:
            # At the end of its input psql would commit the half that it has.
            writer.kill()
    _, said = writer.communicate()
    if writer.returncode > 0:
        raise CommandFailed(command=["psql"], code=writer.returncode, said=said.decode(errors="replace"))
    if writer.returncode < 0:
        raise BackupError("pg_restore cannot read the dump. Nothing was changed; choose another backup.")
