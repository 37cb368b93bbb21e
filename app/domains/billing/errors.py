"""What can go wrong with who bills whom, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import Conflict, GroundworkError, InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import date


class NotTenantAdmin(GroundworkError):
    """Raised when a member is to see or change what only an admin of the tenant does."""

    status = HTTPStatus.FORBIDDEN
    code = "not_tenant_admin"

    def __init__(self) -> None:
        super().__init__("Members of a tenant enter their own time; this is for its admins. Ask one.")


class TenantNotFound(NotFound):
    """Raised for an id that no tenant has."""

    code = "tenant_not_found"

    def __init__(self, *, tenant_id: int) -> None:
        super().__init__(f"There is no tenant with the id {tenant_id}.")


class ClientNotFound(NotFound):
    """Raised for an id that no client has."""

    code = "client_not_found"

    def __init__(self, *, client_id: int) -> None:
        super().__init__(f"There is no client with the id {client_id}.")


class ProjectNotFound(NotFound):
    """Raised for an id that no project has."""

    code = "project_not_found"

    def __init__(self, *, project_id: int) -> None:
        super().__init__(f"There is no project with the id {project_id}.")


class RuleNotFound(NotFound):
    """Raised for an id that no billing rule has."""

    code = "rule_not_found"

    def __init__(self, *, rule_id: int) -> None:
        super().__init__(f"There is no billing rule with the id {rule_id}.")


class NotAMember(InvalidInput):
    """Raised when somebody is named who does not work for the tenant, or whom the caller may not name."""

    code = "not_a_member"

    def __init__(self, *, user_id: int, tenant_id: int) -> None:
        super().__init__(
            f"User {user_id} is no member of tenant {tenant_id}. "
            "An administrator of the service adds members."
        )


class MemberNotFound(NotFound):
    """Raised for a user who does not work for the tenant."""

    code = "member_not_found"

    def __init__(self, *, user_id: int, tenant_id: int) -> None:
        super().__init__(f"Tenant {tenant_id} has no member with the id {user_id}.")


class UnknownUsers(InvalidInput):
    """Raised when a tenant is to have members whom nobody registered."""

    code = "unknown_users"

    def __init__(self, *, user_ids: set[int]) -> None:
        listed = ", ".join(map(str, sorted(user_ids)))
        super().__init__(f"There are no users with these ids: {listed}. Register them first.")


class LastAdmin(Conflict):
    """Raised when nobody would be left who runs a tenant."""

    code = "last_admin"

    def __init__(self, *, user_id: int, tenant_id: int) -> None:
        super().__init__(
            f"User {user_id} is the last admin of tenant {tenant_id}. Make another member an admin first."
        )


class NameTaken(Conflict):
    """Raised for a name by which two clients of a tenant, or two projects of a client, could be mistaken."""

    code = "name_taken"

    def __init__(self, *, kind: str, name: str) -> None:
        super().__init__(f'There is a {kind} called "{name}" already. Use that one, or choose another name.')


class ClientEnded(Conflict):
    """Raised when something new is to be charged to a client that gets no more invoices."""

    code = "client_ended"

    def __init__(self, *, client_id: int) -> None:
        super().__init__(f"Client {client_id} has ended and gets no more invoices. Reopen it first.")


class ProjectOfAnotherClient(InvalidInput):
    """Raised for a rule for a project that is not the client's."""

    code = "project_of_another_client"

    def __init__(self, *, project_id: int, client_id: int) -> None:
        super().__init__(
            f"Client {client_id} has no project with the id {project_id}. "
            f"GET /api/v1/billing/clients/{client_id}/projects lists them."
        )


class RuleInForce(Conflict):
    """Raised for a rule on days on which another says what the same work costs."""

    code = "rule_in_force"

    def __init__(self, *, rule_id: int, project_id: int | None, since: date, until: date | None) -> None:
        whose = "the whole client" if project_id is None else f"project {project_id}"
        end = f"to {until}" if until else "on"
        super().__init__(
            f"Rule {rule_id} is in force for {whose} from {since} {end}. "
            "Two rules for the same work cannot share a day: end that one first, or choose other days."
        )


class RuleCharged(Conflict):
    """Raised when a rule is to be changed that stands on an invoice."""

    code = "rule_charged"

    def __init__(self, *, rule_id: int, number: str) -> None:
        super().__init__(
            f"Rule {rule_id} was charged with invoice {number}, and is not changed any more. "
            f"End it (POST /api/v1/billing/rules/{rule_id}/end), and add another for the days after."
        )


class RuleChargedUntil(Conflict):
    """Raised when the days would change that a rule was charged for."""

    code = "rule_charged_until"

    def __init__(self, *, rule_id: int, number: str, day: date) -> None:
        super().__init__(
            f"Rule {rule_id} was charged up to {day} with invoice {number}: what it says of the days "
            f"until then stays. Give {day} or a later day, or credit the invoice first."
        )
