from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from app.db.sessions import reading, transaction
from app.domains.billing.integrations.models import Integration, SlackBinding
from app.domains.billing.time_capture.reminders import ReminderType
from app.domains.billing.time_capture.slack import SEND_TASK
from app.domains.billing.time_capture.tasks import send_slack_message
from app.jobs.ledger.models import State
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.topology import Queue
from tests.domains.billing.integrations.conftest import slack
from tests.domains.billing.time_capture import workplace
from tests.domains.billing.time_capture.calendars import diary
from tests.domains.notifications import people
from tests.fakes.http_server import Answer
from tests.fakes.slack import POST, TEAM, SlackServer, no
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.fleet import Fleet

__all__ = ["slack"]
SECONDS = 60
ALL_QUEUES = ",".join(Queue)
#: Half past five in Berlin, on Tuesday, 3 February 2026.
EVENING = "2026-02-03 16:30"
END = ReminderType.END_OF_DAY


def connect(user_id: int, *, member: str = "U1", token: str = "xoxb") -> int:
    """A workspace of the user's, in which they are `member`; gives its id."""
    id_ = diary.integration(user_id, provider="slack")
    with transaction() as session:
        session.execute(
            update(Integration).where(Integration.id == id_).values(team_id=TEAM, access_token=token)
        )
        session.add(SlackBinding(integration_id=id_, user_id=user_id, slack_user_id=member))
    return id_


def test_a_reminder_goes_to_slack_as_well_for_those_who_connected_it(database: Engine) -> None:
    place = workplace.found_tenant()
    place.join(name="Ben")
    connect(place.members[0])
    connect(place.members[0], member="U2")
    workplace.remind(EVENING, END)
    workplace.remind(EVENING, END)
    [job] = people.jobs_of(SEND_TASK)
    assert (job.kwargs["user_id"], job.kwargs["title"]) == (place.members[0], "You recorded no time today")
    assert len(people.notifications()) == 2


def test_nobody_gets_it_there_who_wants_no_reminders_or_is_not_connected_any_more(database: Engine) -> None:
    unwilling = workplace.found_tenant(channels={"time_entry_reminder": []})
    revoked = workplace.found_tenant()
    for place in (unwilling, revoked):
        connect(place.members[0])
    with transaction() as session:
        of_one = update(Integration).where(Integration.user_id == revoked.members[0])
        session.execute(of_one.values(is_enabled=False))
    assert workplace.remind(EVENING, END) == 2
    assert people.jobs_of(SEND_TASK) == []


def test_it_waits_until_quiet_hours_end(database: Engine) -> None:
    place = workplace.found_tenant(quiet_hours={"start": "17:00", "end": "18:00"})
    connect(place.members[0])
    workplace.remind(EVENING, END)
    [job] = people.jobs_of(SEND_TASK)
    assert job.state == State.SCHEDULED
    assert job.run_at is not None
    assert 1_790 < (job.run_at - job.accepted_at).total_seconds() <= 1_800


# By real workers


def deliveries() -> list[Delivery]:
    with reading() as session:
        return list(session.scalars(select(Delivery)))


@pytest.mark.databases("postgresql")
def test_a_message_arrives_once_however_often_it_is_sent(slack: SlackServer, fleet: Fleet) -> None:
    user_id = workplace.found_tenant().members[0]
    slack.set_status("U1", "")
    integration = connect(user_id, token=slack.sign_in())
    # The first time Slack is busy, and nothing was posted.
    slack.plan(POST, Answer(status=503, body={}))
    fleet.start_beat()
    fleet.start_worker(queues=ALL_QUEUES)
    told = {"user_id": user_id, "key": "reminder", "title": "Zeit <fehlt>", "body": "日本語 & more"}
    states = [send_slack_message.delay(**told).get(timeout=SECONDS) for _ in range(2)]
    assert states == ["sent", "sent"]
    [message] = slack.messages
    assert (message["channel"], message["text"]) == ("U1", "Zeit &lt;fehlt&gt;\n日本語 &amp; more")
    [delivery] = deliveries()
    assert (delivery.key, delivery.state) == ("slack:reminder", DeliveryState.SENT)
    with transaction() as session:
        session.execute(delete(SlackBinding).where(SlackBinding.integration_id == integration))
    assert send_slack_message.delay(**told | {"key": "other"}).get(timeout=SECONDS) == "skipped"


@pytest.mark.databases("postgresql")
def test_a_message_of_which_nobody_knows_whether_it_arrived_waits_for_a_person(
    slack: SlackServer, fleet: Fleet
) -> None:
    user_id = workplace.found_tenant().members[0]
    slack.set_status("U1", "")
    connect(user_id, token=slack.sign_in())
    held = slack.hold()
    fleet.start_beat()
    first = fleet.start_worker("first", queues=ALL_QUEUES)
    send_slack_message.delay(user_id=user_id, key="reminder", title="Hello", body="You")
    assert held.reached.wait(SECONDS)
    first.kill()
    held.released.set()
    fleet.start_worker("second", queues=ALL_QUEUES)
    wait_until(
        lambda: deliveries()[0].state == DeliveryState.UNCERTAIN, seconds=SECONDS, what="it is uncertain"
    )
    assert len(slack.messages) == 1


@pytest.mark.databases("postgresql")
def test_what_slack_refuses_is_a_dead_job_that_says_why(slack: SlackServer, fleet: Fleet) -> None:
    user_id = workplace.found_tenant().members[0]
    connect(user_id, token=slack.sign_in())
    slack.plan(POST, no("channel_not_found"))
    fleet.start_worker(queues=ALL_QUEUES)
    with pytest.raises(Exception, match="channel_not_found"):
        send_slack_message.delay(user_id=user_id, key="k", title="a", body="b").get(timeout=SECONDS)
