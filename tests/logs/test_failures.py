"""Errors become one sentence and an exit code; secrets in URLs do not show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import kombu.exceptions
import pytest
import redis

from app.errors import Conflict, InvalidInput, NotFound, Unavailable
from app.logs.failures import ExitCode, explain, first_line, masked_database_url, masked_redis_url
from app.settings.sources import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("wrong"), ExitCode.BAD_CONFIGURATION),
        (InvalidInput("wrong"), ExitCode.BAD_INPUT),
        (NotFound("wrong"), ExitCode.FAILED),
        (Conflict("wrong"), ExitCode.FAILED),
        (Unavailable("wrong"), ExitCode.UNREACHABLE),
    ],
)
def test_an_error_of_ours_is_its_sentence_and_a_code(error: Exception, code: ExitCode) -> None:
    failure = explain(error)
    assert failure is not None
    assert (failure.sentence, failure.code) == ("wrong", code)


@pytest.mark.parametrize(
    "error",
    [redis.ConnectionError("refused"), redis.TimeoutError("slow"), kombu.exceptions.OperationalError("gone")],
)
def test_a_redis_that_is_away_is_unreachable(configure: Callable[..., None], error: Exception) -> None:
    configure(redis_url="redis://me:hunter2@cache:6379/0")
    failure = explain(error)
    assert failure is not None
    assert failure.code is ExitCode.UNREACHABLE
    assert "cache:6379" in failure.sentence
    assert "hunter2" not in failure.sentence


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Path("/nowhere/at/all").read_text()
    failure = explain(caught.value)
    assert failure is not None
    assert failure.sentence == "/nowhere/at/all: No such file or directory."


@pytest.mark.parametrize("error", [ValueError("a mistake of ours"), KeyError("x"), OSError("no file")])
def test_what_nobody_expected_is_not_explained_away(error: Exception, configure: Callable[..., None]) -> None:
    configure()
    assert explain(error) is None


@pytest.mark.parametrize("password", ["hunter2", "p%40ss%3Aw%2Frd", "%C3%BCmlaut"])
def test_urls_are_shown_without_their_password(configure: Callable[..., None], password: str) -> None:
    configure(
        redis_url=f"redis://:{password}@cache:6379/0", database_url=f"postgresql://me:{password}@db/ledger"
    )
    assert masked_redis_url() == "redis://cache:6379/0"
    assert masked_database_url() == "postgresql://me:***@db/ledger"


def test_of_what_a_library_says_the_first_line_is_kept() -> None:
    assert first_line(ValueError("Refused.\nIs the server running?")) == "Refused"
    assert first_line(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://ann:hunter2@host/0?db=3", "redis://host:6379/3"),
        ("rediss://:hunter2@[::1]:6380/3", "rediss://[::1]:6380/3"),
        ("redis://ann:hun@hunter2@host", "redis://host:6379/0"),
        ("unix://:hunter2@/run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
    ],
)
def test_the_brokers_url_is_shown_without_its_secrets(
    url: str, shown: str, configure: Callable[..., None]
) -> None:
    configure(redis_url=url)
    assert masked_redis_url() == shown
