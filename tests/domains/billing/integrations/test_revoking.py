"""Permissions are taken back at their providers, once, and as soon as those are there again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.leaving import revoking
from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.models import Delivery, DeliveryState
from tests.checkpoints import committing
from tests.domains.accounts.people import add_person
from tests.domains.billing.integrations.sides import google_side
from tests.domains.billing.integrations.stored import connect, connect_slack, integration, store
from tests.fakes.google import REVOKE
from tests.fakes.oauth import problem
from tests.fakes.slack import REVOKE as SLACK_REVOKE

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.fakes.google import GoogleServer
    from tests.fakes.slack import SlackServer

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


def end(user_id: int) -> None:
    with transaction() as session:
        revoking.end_all(session, user_id=user_id)


def deliveries() -> list[Delivery]:
    with reading() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def revoke(delivery: Delivery) -> str:
    with Session(engine(), expire_on_commit=False) as session:
        done = revoking.revoke(session, delivery_id=delivery.id, job_id="job-1", commit=committing(session))
        session.commit()
        return done


def asked(server: Any, path: str) -> int:
    return sum(one.path == path for one in server.requests)


def test_google_is_told_once(database: Engine, google: GoogleServer) -> None:
    id_ = connect(google_side(google))
    user_id, refresh_token = integration(id_).user_id, integration(id_).refresh_token
    end(user_id)
    end(user_id)
    (delivery,) = deliveries()
    assert refresh_token
    assert refresh_token not in str(delivery.content)
    assert not integration(id_).is_enabled
    assert [revoke(delivery), revoke(delivery)] == [DeliveryState.SENT] * 2
    assert asked(google, REVOKE) == 1
    assert deliveries()[0].content == {}


def test_slack_is_told(database: Engine, slack: SlackServer) -> None:
    end(integration(connect_slack(slack)).user_id)
    assert revoke(deliveries()[0]) == DeliveryState.SENT
    assert asked(slack, SLACK_REVOKE) == 1


def test_a_provider_that_is_down_is_told_later(database: Engine, google: GoogleServer) -> None:
    end(integration(connect(google_side(google))).user_id)
    google.plan(REVOKE, problem(503, "down"))
    with pytest.raises(NotSent):
        revoke(deliveries()[0])
    assert revoke(deliveries()[0]) == DeliveryState.SENT


def test_a_permission_that_is_gone_is_as_good_as_taken_back(database: Engine, google: GoogleServer) -> None:
    end(integration(connect(google_side(google))).user_id)
    google.plan(REVOKE, problem(400, "invalid_token"))
    assert revoke(deliveries()[0]) == DeliveryState.SENT
    assert "HTTP 400" in (deliveries()[0].error or "")


def test_what_another_stands_on_stays(database: Engine, google: GoogleServer) -> None:
    ada = integration(connect(google_side(google))).user_id
    bob = add_person("bob@example.org")
    store(user_id=bob, provider=Provider.GOOGLE, access_token="a", refresh_token="r")
    end(ada)
    assert deliveries() == []
    assert asked(google, REVOKE) == 0
