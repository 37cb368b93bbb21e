"""The one reading of a database's URL: what it names, or what is wrong with it, without showing any of it."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy import URL, make_url

FORMS = "postgresql://user:password@host/name or sqlite:///path"
ENCODING = "In user and password, write @ : / ? # % [ ] and blanks percent-encoded (@ is %40, / is %2F)"
_POSTGRESQL = {"postgres", "postgresql", "postgresql+psycopg"}
#: What Groundwork gives each connection itself, and what belongs before the @, where it is masked.
_TAKEN = frozenset({"options", "connect_timeout", "user", "password", "passfile", "dbname"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: A host's name, an address, the folder of a socket; several are given by `?host=`.
_HOST = re.compile(r"[A-Za-z0-9._:/-]*")


class UnusableDatabaseUrl(ValueError):
    """Raised for a URL that names no database. The message shows nothing of it: that may be a password."""


def parse(text: str) -> URL:
    """The place that `text` names, with the driver that is used. Raises `UnusableDatabaseUrl`."""
    if _CONTROL.search(text.strip()):
        raise UnusableDatabaseUrl("it holds a control character, such as a line feed; remove it")
    try:
        url = make_url(text.strip())
    except Exception:  # SQLAlchemy's errors show the piece that they could not read
        raise UnusableDatabaseUrl(f"it is not a URL. Use {FORMS}. {ENCODING}") from None
    if url.drivername == "sqlite":
        return _sqlite(url)
    if url.drivername in _POSTGRESQL:
        return _postgresql(url)
    if url.get_backend_name() in ("postgresql", "sqlite"):
        raise UnusableDatabaseUrl(f"it asks for a driver that is not installed. Use {FORMS}")
    raise UnusableDatabaseUrl(f"it names a kind of database that is not supported. Use {FORMS}")


def masked(url: URL) -> str:
    """`url`, fit to be shown."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def _sqlite(url: URL) -> URL:
    if url.host or url.username or url.password:
        raise UnusableDatabaseUrl("a SQLite file is named with three slashes, an absolute one with four")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise UnusableDatabaseUrl(
            "every process opens the file, so it needs a path, as in sqlite:///var/my.db"
        )
    if url.query:
        raise UnusableDatabaseUrl("SQLite takes no options here; remove what follows the question mark")
    return url


def _postgresql(url: URL) -> URL:
    hosts = [url.host or "", *_several(url, "host")]
    if not all(_HOST.fullmatch(host) for host in hosts) or "@" in (url.database or ""):
        raise UnusableDatabaseUrl(f"its host cannot be read. {ENCODING}")
    if not url.database:
        raise UnusableDatabaseUrl("it names no database after the host, as in postgresql://user@host/name")
    ports = [url.port, *(host.rpartition(":")[2] for host in _several(url, "host") if ":" in host)]
    if not all(port is None or (str(port).isdigit() and 0 < int(port) < 65_536) for port in ports):
        raise UnusableDatabaseUrl("its port is not between 1 and 65535")
    _check_options(url)
    return url.set(drivername="postgresql+psycopg")


def _check_options(url: URL) -> None:
    known = {default.keyword.decode() for default in psycopg.pq.Conninfo.get_defaults()}
    for name in url.query:
        if name in _TAKEN:
            raise UnusableDatabaseUrl(f'"{name}" cannot be given after the question mark; remove it')
        if name not in known:
            raise UnusableDatabaseUrl(
                "an option after the question mark is not one of PostgreSQL's (sslmode, sslrootcert, ...)"
            )


def _several(url: URL, name: str) -> tuple[str, ...]:
    found = url.query.get(name, ())
    return (found,) if isinstance(found, str) else found
