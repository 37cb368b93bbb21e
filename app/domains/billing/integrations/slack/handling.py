"""Does what events of Slack call for: what they say is asked for anew, because they overtake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.models import Integration, SlackBinding
from app.jobs.accept import accept
from app.jobs.factory import new_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.facts import SlackEvent

#: With the event's id behind it, the key of the job that handles it: one that is told again makes no other.
JOB_KEY = "slack-event:"
HANDLE_TASK = "integrations.handle_slack_event"
STATUS_TASK = "integrations.sync_workspace_statuses"
CHECK_TASK = "integrations.check_health"
#: Somebody changed their profile.
PROFILES = frozenset({"user_profile_changed", "user_status_changed", "user_change"})
#: The workspace took the permission back.
ENDS = frozenset({"app_uninstalled", "tokens_revoked"})


def store(session: Session, event: SlackEvent) -> bool:
    """Have an event handled, if it is one that something is done about; whether it is."""
    if event.type not in PROFILES | ENDS:
        return False
    kwargs = {"kind": event.type, "team_id": event.team_id, "user_id": event.user_id}
    accept(session, [new_job(HANDLE_TASK, kwargs=kwargs, key=f"{JOB_KEY}{event.id}")])
    return True


def handle(session: Session, *, kind: str, team_id: str, user_id: str | None) -> int:
    """Have looked at what an event is about; at how many integrations that is."""
    in_team = select(Integration.id).where(
        Integration.provider == Provider.SLACK, Integration.team_id == team_id, Integration.is_enabled
    )
    if kind in ENDS:
        return _ask(session, CHECK_TASK, session.scalars(in_team).all())
    about = SlackBinding.slack_user_id == user_id
    bound = in_team.join(SlackBinding, SlackBinding.integration_id == Integration.id).where(about)
    ids = session.scalars(bound).all()
    # As if nobody had asked about them lately.
    due = update(SlackBinding).where(SlackBinding.integration_id.in_(ids), about).values(checked_at=None)
    session.execute(due.execution_options(synchronize_session=False))
    return _ask(session, STATUS_TASK, ids)


def _ask(session: Session, task: str, ids: Sequence[int]) -> int:
    accept(session, [new_job(task, kwargs={"integration_id": id_}) for id_ in ids])
    return len(ids)
