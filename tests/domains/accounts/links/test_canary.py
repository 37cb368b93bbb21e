"""A token is in the mail and nowhere else: not in the database or in Redis, in no log and no audit record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.columns import Base
from app.db.sessions import reading
from app.domains.accounts.models import MailedLink
from app.domains.audit.recording.arguments import arguments_of
from app.logs.masking import without_secrets
from app.outbound.deliveries.models import Delivery
from tests.domains.accounts.links.mailbox import CONFIRM_RESET, NEW, RESET, TOKEN, post
from tests.domains.accounts.people import ANN, add_person
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet
    from tests.servers import RedisServer

__all__ = ["smtp"]
SECONDS = 60


def everything_stored(redis_server: RedisServer) -> str:
    """Every row of every table and every value of Redis."""
    with reading() as session:
        rows = [
            str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)).all()
        ]
    client = redis_server.client()
    return "\n".join([*rows, *(str(client.dump(key)) for key in client.scan_iter())])


def token_in(mailbox: MailServer) -> str:
    def token() -> str | None:
        texts = [mail.get_body(("plain",)) for mail in mailbox.mails]
        found = [TOKEN.search(text.get_content()) for text in texts if text is not None]
        return next((match[0] for match in found if match), None)

    return str(wait_until(token, seconds=SECONDS, what="the mail arrives"))


@pytest.mark.databases("postgresql")
def test_the_token_is_nowhere_but_in_the_mail(
    smtp: MailServer, fleet: Fleet, redis_server: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    add_person()
    worker = fleet.start_worker(queues="emails")
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the welcome arrives")
    held = smtp.hold()
    assert post(RESET, email=ANN).status_code == 202
    assert held.reached.wait(SECONDS)
    token = token_in(smtp)
    assert token not in everything_stored(redis_server), "while the mail is under way"
    held.released.set()

    def last() -> Delivery:
        with reading() as session:
            return session.scalars(select(Delivery).order_by(Delivery.id.desc())).first() or Delivery()

    wait_until(lambda: last().state == "sent", seconds=SECONDS, what="the mail is sent")
    assert last().content["text"] == last().content["html"] == "***", "what was sealed is not kept"
    with reading() as session:
        assert len(session.scalars(select(MailedLink.digest)).one()) == 64
    assert post(CONFIRM_RESET, token=token, password=NEW).status_code == 204
    assert token not in everything_stored(redis_server)
    worker.stop()
    assert token not in worker.log.read_text() + "".join(capfd.readouterr())


def test_the_token_is_masked_wherever_a_request_is_written_down() -> None:
    token = "gwl_" + "x1-_" * 10 + "abc"
    body = json.dumps({"token": token, "password": NEW}).encode()
    kept = str(arguments_of(query=f"at={token}".encode(), body=body, body_size=len(body)))
    assert token not in kept
    assert NEW not in kept
    assert token not in without_secrets(f"GET /password-reset#token={token}")
