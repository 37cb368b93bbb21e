"""What people in a workspace say is noted when it changes, and events of Slack have it looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.integrations.errors import RateLimited
from app.domains.billing.integrations.facts import SlackEvent
from app.domains.billing.integrations.models import Health, SlackBinding, SlackStatusChange
from app.domains.billing.integrations.slack import handling, statuses
from app.jobs.ledger.models import Job
from tests.checkpoints import committing
from tests.domains.billing.integrations.sides import no_turn
from tests.domains.billing.integrations.stored import connect_slack, integration, told
from tests.fakes.slack import PROFILE, TEAM, busy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from app.domains.billing.integrations.slack.statuses import StatusStats
    from tests.fakes.slack import SlackServer

ADA, BOB = "U0ADA", "U0BOB"


def look(id_: int) -> StatusStats:
    with Session(engine(), expire_on_commit=False) as session:
        stats = statuses.sync_statuses(session, integration_id=id_, commit=committing(session), turn=no_turn)
        session.commit()
        return stats


def look_later(id_: int) -> StatusStats:
    """As a quarter of an hour later."""
    with transaction() as session:
        session.query(SlackBinding).update({SlackBinding.checked_at: None})
    return look(id_)


def noted() -> Sequence[str]:
    with reading() as session:
        rows = session.scalars(select(SlackStatusChange.status_text).order_by(SlackStatusChange.id))
        return rows.all()


def jobs() -> list[tuple[str, dict[str, object]]]:
    with reading() as session:
        rows = session.scalars(select(Job).order_by(Job.accepted_at, Job.id))
        return [(row.task, row.kwargs) for row in rows if row.task.startswith("integrations.")]


def test_a_status_is_noted_when_it_changes(slack: SlackServer, database: Engine) -> None:
    slack.set_status(ADA, "In a meeting")
    slack.set_status(BOB, "")
    connected = connect_slack(slack, ADA, BOB)
    first = look(connected)
    assert (first.asked, first.changed) == (2, 1)
    assert look_later(connected).changed == 0
    slack.set_status(ADA, "")
    slack.set_status(BOB, "Away")
    assert look_later(connected).changed == 2
    assert noted() == ["In a meeting", "", "Away"]


def test_who_was_asked_about_just_now_is_not_asked_about_again(slack: SlackServer, database: Engine) -> None:
    for user in (ADA, BOB):
        slack.set_status(user, "Here")
    connected = connect_slack(slack, ADA, BOB)
    slack.plan(PROFILE, None, busy(retry_after="30"))
    with pytest.raises(RateLimited):
        look(connected)
    assert look(connected).asked == 1
    assert (noted(), slack.count(PROFILE)) == (["Here", "Here"], 3)


def test_a_member_whom_slack_does_not_know_does_not_hold_up_the_others(
    slack: SlackServer, database: Engine
) -> None:
    slack.set_status(BOB, "Here")
    connected = connect_slack(slack, "U0GONE", BOB)
    stats = look(connected)
    assert (stats.asked, stats.refused, noted()) == (2, 1, ["Here"])
    assert look(connected).asked == 0


def test_a_workspace_that_took_its_permission_back_is_broken(slack: SlackServer, database: Engine) -> None:
    connected = connect_slack(slack, ADA)
    slack.tokens.clear()
    assert "invalid_auth" in str(look(connected).skipped)
    assert (integration(connected).health, integration(connected).is_enabled) == (Health.BROKEN, False)
    assert told() == ["Slack is not read any more"]


def event(kind: str, *, id_: str = "Ev1", user_id: str | None = ADA) -> SlackEvent:
    return SlackEvent(
        id=id_, type=kind, team_id=TEAM, user_id=user_id, happened_at=None, retry=0, retry_reason=None
    )


def test_an_event_that_is_told_again_is_handled_once(slack: SlackServer, database: Engine) -> None:
    for id_ in ("Ev1", "Ev1", "Ev2"):
        with transaction() as session:
            assert handling.store(session, event("user_status_changed", id_=id_))
    assert [task for task, _ in jobs()] == [handling.HANDLE_TASK] * 2


def test_an_event_that_nothing_is_done_about_is_dropped(slack: SlackServer, database: Engine) -> None:
    with transaction() as session:
        assert not handling.store(session, event("message"))
    assert jobs() == []


def test_an_event_of_a_profile_has_that_person_looked_at(slack: SlackServer, database: Engine) -> None:
    slack.set_status(ADA, "Here")
    connected = connect_slack(slack, ADA)
    look(connected)
    slack.set_status(ADA, "Away")
    with transaction() as session:
        assert handling.handle(session, kind="user_status_changed", team_id=TEAM, user_id=ADA) == 1
        assert handling.handle(session, kind="user_status_changed", team_id=TEAM, user_id="U0X") == 0
        assert handling.handle(session, kind="user_status_changed", team_id="T9", user_id=ADA) == 0
    assert jobs() == [(handling.STATUS_TASK, {"integration_id": connected})]
    assert look(connected).changed == 1


def test_an_event_of_the_end_has_the_connection_checked(slack: SlackServer, database: Engine) -> None:
    connected = connect_slack(slack)
    with transaction() as session:
        assert handling.handle(session, kind="app_uninstalled", team_id=TEAM, user_id=None) == 1
    assert jobs() == [(handling.CHECK_TASK, {"integration_id": connected})]
