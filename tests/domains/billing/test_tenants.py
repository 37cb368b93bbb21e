"""Tenants and those who work for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import reading, transaction
from app.domains.billing import tenants
from app.domains.billing.errors import (
    LastAdmin,
    MemberNotFound,
    NotAMember,
    TenantNotFound,
    UnknownUsers,
)
from app.domains.billing.models import Role
from app.domains.billing.parties import AddressNotAllowed
from app.values.account_numbers import NotAnIban, NotAVatId
from app.values.countries import UnknownCountry
from app.values.timezones import UnknownTimezone
from tests.domains.billing import trade
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.domains.billing.models import Tenant

ONE = pytest.mark.databases("sqlite")


def set_role(tenant_id: int, user_id: int, role: Role, *, only_user: int | None = None) -> None:
    with transaction() as session:
        tenants.set_role(session, tenant_id=tenant_id, user_id=user_id, role=role, only_user=only_user)


def remove(tenant_id: int, user_id: int) -> None:
    with transaction() as session:
        tenants.remove(session, tenant_id=tenant_id, user_id=user_id)


def roles(tenant_id: int) -> dict[int, str]:
    with reading() as session:
        page = tenants.members(session, tenant_id=tenant_id, after=None, limit=100)
        return {row.id: row.role for row in page.rows}


def stored(tenant_id: int) -> Tenant:
    with reading() as session:
        return tenants.tenant(session, tenant_id=tenant_id)


def test_a_tenant_is_kept_as_it_was_described(database: Engine) -> None:
    made = trade.set_up()
    with transaction() as session:
        facts = trade.tenant_facts(
            name="Ada & Co", address=" Hauptstr. 2 \n\n 10115 Berlin ", tax_number="12/345/67890", iban=None
        )
        tenants.replace(session, tenant_id=made.tenant, facts=facts)
    found = stored(made.tenant)
    assert (found.name, found.address) == ("Ada & Co", "Hauptstr. 2\n10115 Berlin")
    assert (found.tax_number, found.iban, found.created_at) == ("12/345/67890", None, trade.MADE)
    assert roles(made.tenant) == {made.admin: Role.ADMIN}


@ONE
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"country": "XX"}, UnknownCountry),
        ({"country": "de"}, UnknownCountry),
        ({"timezone": "Europe/Berlim"}, UnknownTimezone),
        ({"iban": "DE89370400440532013001"}, NotAnIban),
        ({"tax_number": "XX123456789"}, NotAVatId),
        ({"address": "\n \n"}, AddressNotAllowed),
        ({"address": "\n".join("ABCDEFGHI")}, AddressNotAllowed),
    ],
)
def test_what_cannot_stand_on_an_invoice_is_refused(changed: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        trade.tenant_facts(**changed)


@ONE
def test_users_who_are_none_run_no_tenant(database: Engine) -> None:
    ann = people.add_user()
    facts, admins = trade.tenant_facts(), [4712, ann, 4711]
    with pytest.raises(UnknownUsers, match="these ids: 4711, 4712"), transaction() as session:
        tenants.create(session, facts=facts, admins=admins, now=trade.MADE)
    with pytest.raises(TenantNotFound, match="no tenant with the id 4711"):
        roles(4711)


def test_a_member_is_made_promoted_and_removed(database: Engine) -> None:
    made, bob = trade.set_up(), people.add_user(name="Bob")
    for role in (Role.MEMBER, Role.MEMBER, Role.ADMIN):
        set_role(made.tenant, bob, role)
        assert roles(made.tenant) == {made.admin: Role.ADMIN, bob: role}
    remove(made.tenant, made.admin)
    assert roles(made.tenant) == {bob: Role.ADMIN}
    with pytest.raises(MemberNotFound):
        remove(made.tenant, made.admin)


def test_the_last_admin_stays(database: Engine) -> None:
    made = trade.set_up()
    made.join()
    with pytest.raises(LastAdmin, match="Make another member an admin first"):
        remove(made.tenant, made.admin)
    with pytest.raises(LastAdmin):
        set_role(made.tenant, made.admin, Role.MEMBER)
    assert roles(made.tenant)[made.admin] == Role.ADMIN


def test_of_two_admins_who_leave_at_once_one_stays(database: Engine) -> None:
    made = trade.set_up()
    admins = [made.admin, *(made.join(Role.ADMIN) for _ in range(3))]
    ready = Barrier(len(admins))

    def leave(user_id: int) -> bool:
        ready.wait()
        try:
            remove(made.tenant, user_id)
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(len(admins)) as threads:
        left = list(threads.map(leave, admins))
    assert left.count(False) == 1
    assert len(roles(made.tenant)) == 1


@ONE
def test_a_person_promotes_members_and_adds_none(database: Engine) -> None:
    made, bob = trade.set_up(), people.add_user(name="Bob")
    cleo = made.join()
    for unknown in (bob, 4711):
        with pytest.raises(NotAMember, match=f"User {unknown} is no member"):
            set_role(made.tenant, unknown, Role.MEMBER, only_user=made.admin)
    set_role(made.tenant, cleo, Role.ADMIN, only_user=made.admin)
    assert roles(made.tenant)[cleo] == Role.ADMIN


@ONE
def test_members_come_in_pages(database: Engine) -> None:
    made = trade.set_up()
    everybody = [made.admin, *(made.join() for _ in range(4))]
    seen, after = [], None
    with reading() as session:
        while True:
            page = tenants.members(session, tenant_id=made.tenant, after=after, limit=2)
            seen += [row.id for row in page.rows]
            after = page.next
            if after is None:
                break
    assert seen == everybody


@ONE
def test_whose_time_a_member_sees(database: Engine) -> None:
    made = trade.set_up()
    cleo = made.join()
    with reading() as session:
        for who, seen in ((made.admin, None), (cleo, cleo), (None, None), (4711, 4711)):
            assert tenants.only_worker(session, tenant_id=made.tenant, only_user=who) == seen
        assert tenants.worker(session, tenant_id=made.tenant, user_id=cleo).timezone == "Europe/Berlin"
        with pytest.raises(NotAMember):
            tenants.worker(session, tenant_id=made.tenant, user_id=4711)
