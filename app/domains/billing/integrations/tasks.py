"""The tasks of integrations."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, true

from app.domains.billing.integrations import checking, requests, syncing
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.leaving import revoking
from app.domains.billing.integrations.models import Integration
from app.domains.billing.integrations.slack import handling, statuses
from app.domains.billing.integrations.slack.client import take_turn
from app.domains.billing.scopes import WRITE
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.topology import Queue
from app.values.row_ids import RowId

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

SYNC_TASK = "integrations.sync_calendar"
#: Outlasts an hour in which a provider is down; the next round comes anyway.
LONG_RETRY = Retry(max_attempts=12, first=timedelta(seconds=2))


def utc_now() -> datetime:
    """By which tokens end, whatever business day it is."""
    return datetime.now(UTC)


@task(queue=Queue.INTEGRATIONS, scope=WRITE, schedule=cron("*/30 * * * *"), public=True)
def sync_google_calendar(user_id: RowId | None = None) -> dict[str, int]:
    """Queue a sync of every connected Google calendar, or of one user's; the result counts them."""
    return _request(SYNC_TASK, _of(Provider.GOOGLE, user_id=user_id))


@task(queue=Queue.INTEGRATIONS, scope=WRITE, schedule=cron("*/30 * * * *"), public=True)
def sync_outlook_calendar(user_id: RowId | None = None) -> dict[str, int]:
    """Queue a sync of every connected Outlook calendar, or of one user's; the result counts them."""
    return _request(SYNC_TASK, _of(Provider.OUTLOOK, user_id=user_id))


@task(queue=Queue.INTEGRATIONS, scope=WRITE, schedule=cron("*/15 * * * *"), public=True)
def sync_slack_status() -> dict[str, int]:
    """Queue a look at what people say in every connected workspace; the result counts workspaces."""
    return _request(handling.STATUS_TASK, Integration.provider == Provider.SLACK)


@task(queue=Queue.INTEGRATIONS, scope=WRITE, schedule=cron("0 * * * *"), public=True)
def health_check_integrations() -> dict[str, int]:
    """Queue a check of every connected account; the result counts them."""
    return _request(handling.CHECK_TASK, true())


@task(
    name=SYNC_TASK,
    queue=Queue.INTEGRATIONS,
    scope=WRITE,
    retry=LONG_RETRY,
    unique_while="queued",
    concurrency=1,
    partition_by="integration_id",
)
def sync_calendar(integration_id: RowId) -> dict[str, Any]:
    """Bring the events of a calendar up to date."""
    return asdict(
        syncing.sync_calendar(job_session(), integration_id=integration_id, commit=checkpoint, now=utc_now)
    )


@task(
    name=handling.STATUS_TASK,
    queue=Queue.INTEGRATIONS,
    scope=WRITE,
    retry=LONG_RETRY,
    unique_while="queued",
    concurrency=1,
    partition_by="integration_id",
)
def sync_workspace_statuses(integration_id: RowId) -> dict[str, Any]:
    """Note what people in a workspace say that they are doing."""
    return asdict(
        statuses.sync_statuses(
            job_session(), integration_id=integration_id, commit=checkpoint, turn=take_turn
        )
    )


@task(
    name=handling.CHECK_TASK,
    queue=Queue.INTEGRATIONS,
    scope=WRITE,
    retry=LONG_RETRY,
    unique_while="queued",
)
def check_health(integration_id: RowId) -> str:
    """Find out how a connection is, and tell its person when that has changed."""
    return checking.check(job_session(), integration_id=integration_id, commit=checkpoint, now=utc_now)


@task(name=handling.HANDLE_TASK, queue=Queue.INTEGRATIONS, scope=WRITE)
def handle_slack_event(kind: str, team_id: str, user_id: str | None = None) -> int:
    """Have looked at what an event of Slack is about; the result counts workspaces."""
    return handling.handle(job_session(), kind=kind, team_id=team_id, user_id=user_id)


@task(name=revoking.REVOKE_TASK, queue=Queue.INTEGRATIONS, scope=WRITE, retry=LONG_RETRY, bind=True)
def revoke_access(self: JobTask, delivery_id: RowId) -> str:
    """Take the permission of an account that was disconnected back at its provider."""
    return revoking.revoke(
        job_session(), delivery_id=delivery_id, job_id=str(self.request.id), commit=checkpoint
    )


def _of(provider: Provider, *, user_id: int | None) -> ColumnElement[bool]:
    of_user = true() if user_id is None else Integration.user_id == user_id
    return and_(Integration.provider == provider, of_user)


def _request(name: str, which: ColumnElement[bool]) -> dict[str, int]:
    return requests.request_all(job_session(), name, which=which, commit=checkpoint)
