"""Users: create those who sign in, list, disable and enable them.

Example: groundwork users create --admin --email ann@example.org --name Ann
"""

from __future__ import annotations

import getpass
import os
import re
import sys
from pathlib import Path  # noqa: TC003 (Typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.domains.accounts.roles import Role
from app.terminal import AsJson, print_rows

if TYPE_CHECKING:
    from app.domains.accounts.models import User
    from app.domains.accounts.schemas import Registration

app = typer.Typer(help=__doc__)

#: Longer than any password, and as much as is read of a line.
MAX_LINE = 4_096

Address = Annotated[str, typer.Argument(help="The user's address.")]
RoleOption = Annotated[Role | None, typer.Option(help="What the user may do.", show_default=False)]


@app.command()
def create(
    email: Annotated[str, typer.Option(help="The address that the user signs in with.")],
    name: Annotated[str, typer.Option(help="The user's name.")],
    role: RoleOption = None,
    admin: Annotated[bool, typer.Option("--admin", help="The same as --role admin.")] = False,
) -> None:
    """Create a user who signs in. The password is asked for, or is the first line of standard input.

    Example: groundwork users create --admin --email ann@example.org --name Ann
    """
    from app.db.sessions import transaction
    from app.domains.accounts import administration, service

    chosen = _chosen_role(role, admin=admin)
    new = _new_user(email=email, name=name)
    hashed = administration.hash_chosen(_password(), email=new.email, name=new.name)
    with transaction() as session:
        user = administration.create_user(
            session, service.NewUser(email=new.email, name=new.name), role=chosen, password_hash=hashed
        )
    typer.echo(f"User {user.id} signs in as {user.email}, with the role {user.role}.")


@app.command(name="list")
def list_all(role: RoleOption = None, as_json: AsJson = False) -> None:
    """List the users who sign in, the newest first.

    Example: groundwork users list --role admin
    """
    from app.db.sessions import reading
    from app.domains.accounts.administration import list_users

    with reading() as session:
        rows = [_as_row(user) for user in list_users(session, role=role)]
    print_rows(
        rows,
        columns=("id", "email", "name", "role", "state", "created_at"),
        as_json=as_json,
        empty="Nobody can sign in yet. Create a user with: groundwork users create",
    )


@app.command()
def disable(email: Address) -> None:
    """Let a user sign in no more; what they have stays.

    Example: groundwork users disable ann@example.org
    """
    from app.db.sessions import transaction
    from app.domains.accounts import administration

    with transaction() as session:
        user = administration.disable(session, email=email)
    typer.echo(f"User {user.id} ({user.email}) is disabled.")


@app.command()
def enable(email: Address) -> None:
    """Let a disabled user sign in again.

    Example: groundwork users enable ann@example.org
    """
    from app.db.sessions import transaction
    from app.domains.accounts import administration

    with transaction() as session:
        user = administration.enable(session, email=email)
    typer.echo(f"User {user.id} ({user.email}) is enabled.")


@app.command()
def set_role(email: Address, role: Annotated[Role, typer.Argument(help="What the user may do.")]) -> None:
    """Give a user another role.

    Example: groundwork users set-role ann@example.org operator
    """
    from app.db.sessions import transaction
    from app.domains.accounts import administration

    with transaction() as session:
        user = administration.set_role(session, email=email, role=role)
    typer.echo(f"User {user.id} ({user.email}) has the role {user.role}.")


@app.command()
def sign_in_link(
    email: Address,
    at: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the console of this host is, as https://HOST."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A new file for the link, which nobody else may read."),
    ] = None,
) -> None:
    """Make a link with which a user signs in to the console, once and within 15 minutes.

    Example: groundwork users sign-in-link ann@example.org
    """
    from app.db.sessions import transaction
    from app.domains.accounts.links import signing_in

    console = _console(at)
    with transaction() as session:
        made_by = f"{getpass.getuser()} on the command line"
        token = signing_in.make(session, email=email, made_by=made_by)
        link = signing_in.address_of(token, console=console)
        if to is not None:
            _keep(link, to)
    if to is None:
        typer.echo(link)
    minutes = int(signing_in.LIFETIME.total_seconds() // 60)
    typer.echo(f"Whoever has it signs in as {email}, once and within {minutes} minutes.", err=True)


@app.command()
def set_password(email: Address) -> None:
    """Give a user another password. It is asked for, or is the first line of standard input.

    Example: groundwork users set-password ann@example.org
    """
    from app.db.sessions import reading, transaction
    from app.domains.accounts import administration

    with reading() as session:
        user = administration.user_at(session, email=email)
    hashed = administration.hash_chosen(_password(), email=user.email, name=user.name)
    with transaction() as session:
        administration.set_password(session, user_id=user.id, password_hash=hashed)
    typer.echo(f"User {user.id} ({user.email}) has another password.")


def _chosen_role(role: Role | None, *, admin: bool) -> Role:
    if admin and role not in (None, Role.ADMIN):
        raise typer.BadParameter(f"--admin and --role {role} contradict each other; give one of them")
    if admin:
        return Role.ADMIN
    if role is None:
        raise typer.BadParameter(f"give --admin, or --role with one of {', '.join(Role)}")
    return role


def _new_user(*, email: str, name: str) -> Registration:
    from pydantic import ValidationError

    from app.domains.accounts.schemas import Registration

    try:
        return Registration(email=email, name=name)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise typer.BadParameter(first["msg"], param_hint=f"--{first['loc'][0]}") from None


def _console(given: str | None) -> str:
    from app.domains.accounts.links.signing_in import console_url

    if given is None:
        return console_url()
    if not re.fullmatch(r"https?://[\w.:\[\]-]{1,260}/?", given, re.ASCII):
        raise typer.BadParameter("give it as https://HOST, without a path", param_hint="--at")
    return given.rstrip("/")


def _keep(link: str, path: Path) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(f"{link}\n")
    except OSError as error:
        problem = f"{path}: {error.strerror}; no link was made"
        raise typer.BadParameter(problem, param_hint="--to") from None


def _password() -> str:
    if sys.stdin.isatty():
        chosen = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != chosen:
            raise typer.BadParameter("the two passwords are not the same")
        return chosen
    try:
        return sys.stdin.readline(MAX_LINE).rstrip("\r\n")
    except UnicodeDecodeError:
        raise typer.BadParameter("the password on standard input is not UTF-8 text") from None


def _as_row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "state": "disabled" if user.disabled_at else "enabled",
        "created_at": user.created_at,
    }
