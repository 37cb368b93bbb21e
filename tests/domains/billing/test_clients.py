"""Clients and their projects."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.billing import clients
from app.domains.billing.errors import ClientEnded, ClientNotFound, NameTaken, ProjectNotFound
from tests.domains.billing import trade

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.trade import Trade

ONE = pytest.mark.databases("sqlite")


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


def names_of_clients(tenant_id: int) -> list[str]:
    with reading() as session:
        page = clients.clients_of(session, tenant_id=tenant_id, after=None, limit=100)
        return [row.name for row in page.rows]


def test_two_clients_of_a_tenant_do_not_share_a_name(made: Trade) -> None:
    first = made.add_client(name="Acme")
    second = made.add_client(name="Bolt")
    with pytest.raises(NameTaken, match='a client called "Acme" already'):
        made.add_client(name="Acme")
    with pytest.raises(NameTaken), transaction() as session:
        clients.replace(session, client_id=second, facts=trade.client_facts(name="Acme"))
    with transaction() as session:
        clients.replace(session, client_id=first, facts=trade.client_facts(name="Acme", payment_days=0))
    assert trade.set_up(name="Other").add_client(name="Acme") > second


def test_a_name_is_given_once_however_many_want_it_at_once(made: Trade) -> None:
    ready = Barrier(6)

    def create(_: int) -> bool:
        ready.wait()
        try:
            made.add_client(name="Acme")
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(create, range(6))).count(True) == 1
    assert names_of_clients(made.tenant).count("Acme") == 1


def test_a_client_that_ended_takes_nothing_new_until_it_is_reopened(made: Trade) -> None:
    for later in (0, 1):
        with transaction() as session:
            now = trade.MADE + timedelta(days=later)
            assert clients.end(session, client_id=made.client, now=now).ended_at == trade.MADE
    with pytest.raises(ClientEnded, match="Reopen it first"):
        made.add_project("Late")
    with pytest.raises(ClientEnded):
        made.add_rule()
    with transaction() as session:
        assert clients.reopen(session, client_id=made.client).ended_at is None
    assert made.add_project("Late")
    assert made.add_rule()


@ONE
def test_projects_are_named_and_changed(made: Trade) -> None:
    other = made.add_project("Site", is_billable=False)
    with pytest.raises(NameTaken, match='a project called "Site" already'):
        made.add_project("Site")
    with pytest.raises(NameTaken), transaction() as session:
        clients.replace_project(session, project_id=made.project, name="Site", is_billable=True)
    with transaction() as session:
        clients.replace_project(session, project_id=other, name="Site", is_billable=True)
    assert made.add_project("Site", client=made.add_client())
    with reading() as session:
        page = clients.projects_of(session, client_id=made.client, after=made.project, limit=10)
        assert [(row.id, row.is_billable) for row in page.rows] == [(other, True)]


@ONE
def test_what_is_not_there_is_not_found(made: Trade) -> None:
    with reading() as session:
        with pytest.raises(ClientNotFound, match="no client with the id 4711"):
            clients.projects_of(session, client_id=4711, after=None, limit=1)
        with pytest.raises(ProjectNotFound, match="no project with the id 4711"):
            clients.project(session, project_id=4711)
