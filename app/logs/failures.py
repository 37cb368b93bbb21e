"""Turns an expected error into one sentence and an exit code that a script can tell apart."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus

from app.errors import GroundworkError, InvalidInput, Unavailable
from app.settings.config import settings
from app.settings.redis_url import RedisAddress
from app.settings.sources import ConfigError


class ExitCode(IntEnum):
    """What the number means; 69 and 78 are those of sysexits.h, the last two those of a shell."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    UNREACHABLE = 69
    BAD_CONFIGURATION = 78
    INTERRUPTED = 130
    BROKEN_PIPE = 141


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What is said about an error, and the code the command ends with."""

    sentence: str
    code: ExitCode


def explain(error: Exception) -> Failure | None:
    """The failure that `error` stands for; None for one that nobody expected."""
    if isinstance(error, GroundworkError):
        return Failure(sentence=str(error), code=_code_of(error))
    return _of_database(error) or _of_redis(error) or _of_rabbitmq(error) or _of_file(error)


def _code_of(error: GroundworkError) -> ExitCode:
    if isinstance(error, ConfigError):
        return ExitCode.BAD_CONFIGURATION
    if isinstance(error, Unavailable) or error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return ExitCode.UNREACHABLE
    if isinstance(error, InvalidInput):
        return ExitCode.BAD_INPUT
    return ExitCode.FAILED


def _of_database(error: Exception) -> Failure | None:
    # Not above: `groundwork --help` and the like load no database.
    from sqlalchemy import exc

    from app.db import outages

    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    if _is_missing_table(cause):
        return Failure(
            sentence="The database has no ledger yet. Run: groundwork migrate", code=ExitCode.FAILED
        )
    if outages.is_transient(error):
        return Failure(
            sentence=f"The database {masked_database_url()} does not answer: {first_line(cause)}.",
            code=ExitCode.UNREACHABLE,
        )
    return None


def _is_missing_table(cause: BaseException | None) -> bool:
    import sqlite3

    import psycopg

    if isinstance(cause, psycopg.errors.UndefinedTable):
        return True
    return isinstance(cause, sqlite3.OperationalError) and "no such table" in str(cause)


def _of_redis(error: Exception) -> Failure | None:
    from kombu.exceptions import OperationalError
    from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

    if not isinstance(error, RedisError | OperationalError) or not isinstance(
        settings().broker, RedisAddress
    ):
        return None
    # kombu raises its own error from that of redis-py.
    cause = error if isinstance(error, RedisError) else error.__cause__
    if isinstance(cause, NoPermissionError):
        return Failure(
            sentence=f"Redis {masked_redis_url()} does not permit its user what the service needs: "
            f"{first_line(cause)}. Deploy again, which gives it its rights, or see that they are for the "
            "keys that begin with GROUNDWORK_REDIS_PREFIX.",
            code=ExitCode.FAILED,
        )
    if isinstance(cause, AuthenticationError):
        return Failure(
            sentence=f"Redis {masked_redis_url()} does not take the user and the password of "
            f"GROUNDWORK_REDIS_URL: {first_line(cause)}.",
            code=ExitCode.BAD_CONFIGURATION,
        )
    return Failure(
        sentence=f"Redis {masked_redis_url()} does not answer: {first_line(error)}.",
        code=ExitCode.UNREACHABLE,
    )


def _of_rabbitmq(error: Exception) -> Failure | None:
    from amqp import AccessRefused, AMQPError, NotAllowed, PreconditionFailed
    from kombu.exceptions import OperationalError

    cause = error.__cause__ if isinstance(error, OperationalError) else error
    if not isinstance(cause, AMQPError | OSError) or isinstance(settings().broker, RedisAddress):
        return None
    place, told = masked_broker_url(), first_line(getattr(cause, "reply_text", None) or cause)
    if isinstance(cause, PreconditionFailed):
        return Failure(sentence=f"RabbitMQ {place} refuses: {told}.", code=ExitCode.FAILED)
    if isinstance(cause, AccessRefused | NotAllowed):
        return Failure(
            sentence=f"RabbitMQ {place} does not let in the user of GROUNDWORK_BROKER_URL, or not into that "
            f"vhost: {told}.",
            code=ExitCode.BAD_CONFIGURATION,
        )
    return Failure(sentence=f"RabbitMQ {place} does not answer: {told}.", code=ExitCode.UNREACHABLE)


def _of_file(error: Exception) -> Failure | None:
    if isinstance(error, OSError) and error.filename:
        return Failure(sentence=f"{error.filename}: {error.strerror}.", code=ExitCode.FAILED)
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return Failure(
            sentence="The output cannot be written: standard output is closed.", code=ExitCode.FAILED
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return Failure(sentence=f"The output cannot be written: {error.strerror}.", code=ExitCode.FAILED)
    return None


def first_line(error: object) -> str:
    """What an error of a library says, without the advice and the statement it adds below."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def masked_database_url() -> str:
    """The database's URL, fit to be shown."""
    from app.settings.database_url import masked  # as above

    return masked(settings().database)


def masked_broker_url() -> str:
    """Where the broker is, without user, password and what is said of TLS."""
    return settings().broker.shown


def masked_redis_url() -> str:
    """Where Redis is, likewise."""
    return settings().redis.shown
