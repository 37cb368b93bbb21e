"""HTTP routes of tenants, their members, clients, projects and billing rules."""

from typing import Annotated

from fastapi import APIRouter, Depends, status

from app.db.sessions import reading, transaction
from app.domains.accounts.service import people
from app.domains.billing import clients, schemas, tenants
from app.domains.billing.owners import (
    CLIENT_OF_ADMINS,
    CLIENT_OF_MEMBERS,
    OF_ADMINISTRATORS,
    OF_ADMINS,
    OF_MEMBERS,
    PROJECT_OF_ADMINS,
    PROJECT_OF_MEMBERS,
)
from app.domains.billing.rules import routes
from app.domains.billing.scopes import READ, WRITE
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.tokens.owners import IN_QUERY
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/api/v1/billing", tags=["billing"])
router.include_router(routes.router)
may_read = Depends(require(READ, OF_MEMBERS))
may_write = Depends(require(WRITE, OF_ADMINS))
may_read_client = Depends(require(READ, CLIENT_OF_MEMBERS))
may_write_client = Depends(require(WRITE, CLIENT_OF_ADMINS))
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
Admin = Annotated[Caller, Depends(require(WRITE, OF_ADMINS))]


@router.get("/tenants")
def list_tenants(caller: Reader, limit: Limit = 50, cursor: Cursor = None) -> schemas.TenantPage:
    """The tenants that a person who signed in works for; for an administrator or a token, all."""
    with reading() as session:
        page = tenants.tenants(session, only_user=caller.only_user, after=cursor, limit=limit)
        rows = [schemas.TenantView.model_validate(row) for row in page.rows]
    return schemas.TenantPage(tenants=rows, next=page.next)


@router.post(
    "/tenants",
    dependencies=[Depends(require(WRITE, OF_ADMINISTRATORS))],
    status_code=status.HTTP_201_CREATED,
)
def create_tenant(given: schemas.NewTenant) -> schemas.TenantView:
    """Create a tenant that registered users run."""
    with transaction() as session:
        made = tenants.create(session, facts=given.facts(), admins=given.admins, now=business_now())
        return schemas.TenantView.model_validate(made)


@router.get("/tenants/{tenant_id}", dependencies=[may_read])
def get_tenant(tenant_id: Id) -> schemas.TenantView:
    """One tenant."""
    with reading() as session:
        return schemas.TenantView.model_validate(tenants.tenant(session, tenant_id=tenant_id))


@router.put("/tenants/{tenant_id}", dependencies=[may_write])
def replace_tenant(tenant_id: Id, given: schemas.TenantIn) -> schemas.TenantView:
    """Describe a tenant anew; invoices that there are keep what they said."""
    with transaction() as session:
        changed = tenants.replace(session, tenant_id=tenant_id, facts=given.facts())
        return schemas.TenantView.model_validate(changed)


@router.get("/tenants/{tenant_id}/members", dependencies=[may_read])
def list_members(tenant_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.MemberPage:
    """Those who work for a tenant."""
    with reading() as session:
        page = tenants.members(session, tenant_id=tenant_id, after=cursor, limit=limit)
        names = people(session, [row.id for row in page.rows])
    rows = [schemas.MemberView(user_id=row.id, name=names[row.id].name, role=row.role) for row in page.rows]
    return schemas.MemberPage(members=rows, next=page.next)


@router.put("/tenants/{tenant_id}/members/{user_id}")
def set_member(tenant_id: Id, user_id: Id, given: schemas.RoleIn, caller: Admin) -> schemas.MembershipView:
    """Give a member a role. An administrator or a token makes any user a member by it."""
    with transaction() as session:
        member = tenants.set_role(
            session, tenant_id=tenant_id, user_id=user_id, role=given.role, only_user=caller.only_user
        )
        # Without the name: who asks for others by their ids must not learn who they are.
        return schemas.MembershipView.model_validate(member)


@router.delete(
    "/tenants/{tenant_id}/members/{user_id}",
    dependencies=[may_write],
    status_code=status.HTTP_204_NO_CONTENT,
)
def remove_member(tenant_id: Id, user_id: Id) -> None:
    """Have a user work for a tenant no more; the time they entered stays."""
    with transaction() as session:
        tenants.remove(session, tenant_id=tenant_id, user_id=user_id)


@router.get("/tenants/{tenant_id}/clients", dependencies=[may_read])
def list_clients(tenant_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.ClientPage:
    """A tenant's clients, in the order in which they were created."""
    with reading() as session:
        page = clients.clients_of(session, tenant_id=tenant_id, after=cursor, limit=limit)
        rows = [schemas.ClientView.model_validate(row) for row in page.rows]
    return schemas.ClientPage(clients=rows, next=page.next)


@router.post("/tenants/{tenant_id}/clients", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def create_client(tenant_id: Id, given: schemas.ClientIn) -> schemas.ClientView:
    """Create a client."""
    with transaction() as session:
        made = clients.create(session, tenant_id=tenant_id, facts=given.facts(), now=business_now())
        return schemas.ClientView.model_validate(made)


@router.get("/clients/{client_id}", dependencies=[may_read_client])
def get_client(client_id: Id) -> schemas.ClientView:
    """One client."""
    with reading() as session:
        return schemas.ClientView.model_validate(clients.client(session, client_id=client_id))


@router.put("/clients/{client_id}", dependencies=[may_write_client])
def replace_client(client_id: Id, given: schemas.ClientIn) -> schemas.ClientView:
    """Describe a client anew; invoices that there are keep what they said."""
    with transaction() as session:
        changed = clients.replace(session, client_id=client_id, facts=given.facts())
        return schemas.ClientView.model_validate(changed)


@router.post("/clients/{client_id}/end", dependencies=[may_write_client])
def end_client(client_id: Id) -> schemas.ClientView:
    """Have a client get no more invoices, and no time entered. Twice counts once."""
    with transaction() as session:
        ended = clients.end(session, client_id=client_id, now=business_now())
        return schemas.ClientView.model_validate(ended)


@router.post("/clients/{client_id}/reopen", dependencies=[may_write_client])
def reopen_client(client_id: Id) -> schemas.ClientView:
    """Take the end of a client back."""
    with transaction() as session:
        return schemas.ClientView.model_validate(clients.reopen(session, client_id=client_id))


@router.get("/clients/{client_id}/projects", dependencies=[may_read_client])
def list_projects(client_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.ProjectPage:
    """A client's projects, in the order in which they were created."""
    with reading() as session:
        page = clients.projects_of(session, client_id=client_id, after=cursor, limit=limit)
        rows = [schemas.ProjectView.model_validate(row) for row in page.rows]
    return schemas.ProjectPage(projects=rows, next=page.next)


@router.post(
    "/clients/{client_id}/projects", dependencies=[may_write_client], status_code=status.HTTP_201_CREATED
)
def create_project(client_id: Id, given: schemas.ProjectIn) -> schemas.ProjectView:
    """Create a project."""
    with transaction() as session:
        made = clients.create_project(session, client_id=client_id, now=business_now(), **given.model_dump())
        return schemas.ProjectView.model_validate(made)


@router.get("/projects/{project_id}", dependencies=[Depends(require(READ, PROJECT_OF_MEMBERS))])
def get_project(project_id: Id) -> schemas.ProjectView:
    """One project."""
    with reading() as session:
        return schemas.ProjectView.model_validate(clients.project(session, project_id=project_id))


@router.put("/projects/{project_id}", dependencies=[Depends(require(WRITE, PROJECT_OF_ADMINS))])
def replace_project(project_id: Id, given: schemas.ProjectIn) -> schemas.ProjectView:
    """Describe a project anew; what was billed stays billed."""
    with transaction() as session:
        changed = clients.replace_project(session, project_id=project_id, **given.model_dump())
        return schemas.ProjectView.model_validate(changed)
