"""Reports errors to Sentry, from a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentry_sdk import Client, Scope
from sentry_sdk.utils import event_from_exception

from app.settings.config import settings
from app.telemetry.last_words import SECONDS
from app.telemetry.per_process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def report(
    error: BaseException,
    *,
    tags: Mapping[str, str],
    arguments: Mapping[str, Any] | None = None,
    tell: Callable[[str], str],
) -> None:
    """Send `error` with its traceback. `tell` gives of a message what others may read."""
    client = _client.get()
    # Not that of the process: others may have a client of their own there.
    scope = Scope(client=client)
    for name, value in tags.items():
        scope.set_tag(name, value)
    if arguments is not None:
        scope.set_context("job", dict(arguments))
    event, hint = event_from_exception(error, client_options=client.options)
    for exception in event["exception"]["values"]:
        if isinstance(message := exception.get("value"), str):
            exception["value"] = tell(message)
    client.capture_event(event, hint, scope)


def _make() -> Client:
    given = settings()
    return Client(
        dsn=given.sentry_dsn.get_secret_value(),
        release=given.release,
        environment=given.sentry_environment,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        # Their values may be anybody's.
        include_local_variables=False,
        send_default_pii=False,
        max_breadcrumbs=0,
        shutdown_timeout=SECONDS,
    )


_client = PerProcess(_make, end=lambda client: client.close(timeout=SECONDS))
