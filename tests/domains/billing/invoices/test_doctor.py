"""What `groundwork doctor` says of invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.billing.invoices.doctor import work_is_charged
from app.health.doctor.finding import Level
from tests.domains.billing.invoices.office import found_office, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def test_work_that_nobody_charged_is_named(database: Engine, configure: Callable[..., None]) -> None:
    office = found_office()
    clients = [office.client(f"Client {number}") for number in range(7)]
    for client in clients:
        client.worked(5, 1)
    configure(pretend_now="2026-11-02T23:00:00Z")
    assert work_is_charged().level == Level.OK
    configure(pretend_now="2026-11-03T00:00:00Z")
    found = work_is_charged()
    assert found.level == Level.WARNING
    assert f"1 of client {clients[0].id} (Client 0), " in found.sentence
    assert found.sentence.endswith(" and of 2 other clients.")
    for client in clients:
        client.rule()
    run()
    assert work_is_charged().level == Level.OK
