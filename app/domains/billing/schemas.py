"""What the API of tenants, clients and projects takes and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.billing import fields
from app.domains.billing.models import Role
from app.domains.billing.parties import ClientFacts, Layout, TenantFacts
from app.outbound.mail.addresses import Mailbox
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel

MAX_PAYMENT_DAYS = 365


class _PartyIn(StrictModel):
    name: fields.Name
    address: fields.Address
    country: fields.Country
    email: Mailbox
    tax_number: fields.TaxNumber | None = None
    timezone: fields.Timezone


class TenantIn(_PartyIn):
    """Somebody who issues invoices."""

    iban: fields.Iban | None = None
    layout: Layout = Layout.CLASSIC
    number_prefix: fields.NumberPrefix = ""
    is_numbered_by_year: bool = True

    def facts(self) -> TenantFacts:
        """As the service takes it."""
        return TenantFacts(**self.model_dump(include=set(TenantIn.model_fields)))


class NewTenant(TenantIn):
    """A tenant to be, and the users who run it."""

    admins: Annotated[list[RowId], Field(min_length=1, max_length=100)]


class TenantView(RowView):
    """Somebody who issues invoices."""

    id: int
    name: str
    address: str
    country: str
    email: str
    tax_number: str | None
    iban: str | None
    timezone: str
    layout: Layout
    number_prefix: str
    is_numbered_by_year: bool
    created_at: datetime


class TenantPage(BaseModel):
    """Some tenants; `next` is the cursor of the page after, null on the last."""

    tenants: list[TenantView]
    next: int | None


class RoleIn(StrictModel):
    """What a member may do."""

    role: Role


class MembershipView(RowView):
    """What a user is in a tenant."""

    user_id: int
    role: Role


class MemberView(BaseModel):
    """A user who works for a tenant."""

    user_id: int
    name: str
    role: Role


class MemberPage(BaseModel):
    """Some members; `next` is the cursor of the page after, null on the last."""

    members: list[MemberView]
    next: int | None


class ClientIn(_PartyIn):
    """Somebody who gets invoices; `timezone` says which month time belongs to."""

    payment_days: Annotated[int, Field(ge=0, le=MAX_PAYMENT_DAYS)] = 30

    def facts(self) -> ClientFacts:
        """As the service takes it."""
        return ClientFacts(**self.model_dump())


class ClientView(RowView):
    """Somebody who gets invoices."""

    id: int
    tenant_id: int
    name: str
    address: str
    country: str
    email: str
    tax_number: str | None
    timezone: str
    payment_days: int
    created_at: datetime
    ended_at: datetime | None


class ClientPage(BaseModel):
    """Some clients; `next` is the cursor of the page after, null on the last."""

    clients: list[ClientView]
    next: int | None


class ProjectIn(StrictModel):
    """What is worked on; what is not billable is recorded, and never charged."""

    name: fields.Name
    is_billable: bool = True


class ProjectView(RowView):
    """What is worked on for a client."""

    id: int
    client_id: int
    name: str
    is_billable: bool
    created_at: datetime


class ProjectPage(BaseModel):
    """Some projects; `next` is the cursor of the page after, null on the last."""

    projects: list[ProjectView]
    next: int | None
