"""Clients of AWS's services, with each call made once: who retries is the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.logs.masking import excerpt
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.outbound.deliveries.outcome import HandOver

CONNECT_TIMEOUT = timedelta(seconds=5)
READ_TIMEOUT = timedelta(seconds=20)
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


def client(service: str) -> Any:
    """A boto3 client as the settings describe it."""
    import boto3
    from botocore.config import Config

    given = settings()
    return boto3.client(
        service,
        region_name=given.aws_region,
        endpoint_url=given.aws_endpoint_url or None,
        aws_access_key_id=given.aws_access_key_id or None,
        aws_secret_access_key=given.aws_secret_access_key.get_secret_value() or None,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT.total_seconds(),
            read_timeout=READ_TIMEOUT.total_seconds(),
            # Its own retries would repeat a call whose answer was lost.
            retries={"total_max_attempts": 1},
        ),
    )


def call(
    service: str,
    operation: Callable[..., Any],
    *,
    passing: frozenset[str],
    handover: HandOver,
    **arguments: Any,
) -> Any:
    """Call an operation, its failure sorted: `passing` are the error codes that time mends.

    Raises `NotSent`, `Refused` or `OutcomeUnknown`.
    """
    from botocore import exceptions

    # What is checked, signed and resolved before has no effect.
    operation.__self__.meta.events.register("before-send", lambda **_: handover.begin())  # type: ignore[attr-defined]
    try:
        return operation(**arguments)
    except exceptions.ClientError as error:
        raise _sorted(service, error, passing=passing) from None
    except (exceptions.ConnectTimeoutError, exceptions.EndpointConnectionError) as error:
        raise NotSent(f"{service} cannot be reached: {excerpt(error)}") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise NotSent(
            f"{service} needs credentials: set GROUNDWORK_AWS_ACCESS_KEY_ID and "
            "GROUNDWORK_AWS_SECRET_ACCESS_KEY, or give the host a role."
        ) from None
    except exceptions.HTTPClientError as error:
        raise OutcomeUnknown(f"{service} did not answer: {excerpt(error)}") from None
    except exceptions.BotoCoreError as error:
        raise Refused(f"{service} cannot take this request: {excerpt(error)}") from None


def _sorted(service: str, error: Any, *, passing: frozenset[str]) -> Exception:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    answered = error.response.get("Error", {})
    code = str(answered.get("Code", ""))
    said = f"{service} answered {excerpt(code)}: {excerpt(answered.get('Message', ''))}"
    passes = code.startswith("Throttl") or code in passing
    if passes or status == TOO_MANY_REQUESTS or status >= SERVER_ERROR:
        return NotSent(said)
    return Refused(said, reason=code)
