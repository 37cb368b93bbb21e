"""One reading of a database's URL for all who connect, and no piece of a wrong one shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.logs.failures import ExitCode
from app.settings.config import load_settings
from app.settings.database_url import UnusableDatabaseUrl, masked, parse
from app.settings.kinds import PLAIN_DATABASE
from app.settings.sources import ConfigError
from tests.command_line import groundwork

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("text", "host", "password", "database"),
    [
        ("postgresql://ann@host/name", "host", None, "name"),
        ("postgres://ann:secret@host/name", "host", "secret", "name"),
        ("postgresql+psycopg://ann:secret@host:5433/name", "host", "secret", "name"),
        ("  postgresql://ann:secret@host/name\n", "host", "secret", "name"),
        ("postgresql://ann:a b@host/name", "host", "a b", "name"),
        ("postgresql://ann:a%20b%40%2F@host/name", "host", "a b@/", "name"),
        ("postgresql://ann:pässwörd@host/name", "host", "pässwörd", "name"),
        ("postgresql://ann:a:b@host/name", "host", "a:b", "name"),
        ("postgresql://ann:x@[::1]:5433/name", "::1", "x", "name"),
        ("postgresql://ann@/name?host=a:1&host=b:2", None, None, "name"),
        ("postgresql:///name?host=/run/postgresql", None, None, "name"),
        ("postgresql://ann:x@host/name?sslmode=verify-full", "host", "x", "name"),
        ("sqlite:///var/groundwork.db", None, None, "var/groundwork.db"),
        ("sqlite:////srv/a b.db", None, None, "/srv/a b.db"),
    ],
)
def test_a_usable_url_is_read(text: str, host: str | None, password: str | None, database: str) -> None:
    url = parse(text)
    assert (url.host, url.password, url.database) == (host, password, database)
    assert url.drivername in ("postgresql+psycopg", "sqlite")
    if password:
        assert password not in masked(url)


@given(st.from_regex(PLAIN_DATABASE, fullmatch=True))
def test_what_is_taken_for_a_url_at_first_sight_is_one(text: str) -> None:
    url = parse(text)
    assert url.database
    assert url.host or url.drivername == "sqlite"


def test_several_hosts_reach_the_driver_with_their_ports() -> None:
    url = parse("postgresql://ann@/name?host=a:1&host=b:2")
    _, arguments = url.get_dialect()().create_connect_args(url)
    assert (arguments["host"], arguments["port"]) == ("a,b", "1,2")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "not a URL"),
        (PASSWORD, "not a URL"),
        ("://", "not a URL"),
        ("mysql://ann@host/name", "a kind of database"),
        (f"mysql://ann:{PASSWORD}@host/name", "a kind of database"),
        (f"{PASSWORD}://ann@host/name", "no"),
        ("postgresql+psycopg2://ann@host/name", "driver"),
        ("postgresql+asyncpg://ann@host/name", "driver"),
        ("sqlite+aiosqlite:///name.db", "driver"),
        (f"postgresql://ann:{PASSWORD}@x@host/name", "percent-encoded"),
        (f"postgresql://ann:x@{PASSWORD}/y@host/name", "percent-encoded"),
        (f"postgresql://ann:x@y:{PASSWORD}@host/name", "percent-encoded"),
        (f"postgresql://ann:x@{PASSWORD}#y/name", "percent-encoded"),
        ("postgresql://ann@ho st/name", "percent-encoded"),
        ("postgresql://ann@host:notaport/name", "not a URL"),
        ("postgresql://ann@host:0/name", "port"),
        ("postgresql://ann@host:65536/name", "port"),
        ("postgresql://ann@/name?host=a:0", "port"),
        ("postgresql://ann@host", "names no database"),
        ("postgresql://", "names no database"),
        (f"postgresql://ann@host/name?password={PASSWORD}", "question mark"),
        ("postgresql://ann@host/name?options=-csearch_path=x", "question mark"),
        (f"postgresql://ann@host/name?{PASSWORD}=1", "question mark"),
        ("postgresql://ann@host/name\x00", "control character"),
        ("postgresql://ann@ho\nst/name", "control character"),
        ("sqlite://", "path"),
        ("sqlite:///", "path"),
        ("sqlite:///:memory:", "path"),
        ("sqlite:///file:name?mode=ro", "path"),
        ("sqlite:///name.db?mode=ro", "question mark"),
        (f"sqlite://ann:{PASSWORD}@host/name.db", "three slashes"),
    ],
)
def test_an_unusable_url_is_refused_without_showing_any_of_it(
    text: str, wanted: str, configure: Callable[..., None]
) -> None:
    with pytest.raises(UnusableDatabaseUrl) as refused:
        parse(text)
    assert wanted in str(refused.value)
    assert PASSWORD not in str(refused.value)
    if not text or "\x00" in text:
        return  # an empty setting is unset, and no environment holds a NUL
    configure(database_url=text)
    with pytest.raises(ConfigError, match="GROUNDWORK_DATABASE_URL: ") as at_start:
        load_settings()
    assert PASSWORD not in str(at_start.value)


def test_every_command_says_it_in_one_sentence(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure(database_url=f"postgresql://ann:{PASSWORD}@x@host/name")
    for command in (["jobs", "list"], ["migrate"], ["serve"], ["worker", "bulk"]):
        outcome = groundwork(capsys, *command)
        assert outcome.code == ExitCode.BAD_CONFIGURATION
        assert "percent-encoded" in outcome.err
        assert PASSWORD not in outcome.err + outcome.out
        assert "Traceback" not in outcome.err
