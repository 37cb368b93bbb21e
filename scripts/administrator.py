"""Who signs in to the console of this checkout, and with what."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from local_settings import VAR, write_private

from app.db import outages
from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.errors import AddressNotFound, EmailTaken
from app.domains.accounts.links import signing_in
from app.domains.accounts.links.errors import MayNotSignIn
from app.domains.accounts.roles import Role
from app.domains.accounts.service import NewUser

EMAIL, NAME = "admin@example.org", "Admin"
PASSWORD_FILE = VAR / "password"
PASSWORD_BYTES = 15


def ensure() -> str | None:
    """Make an administrator where nobody can sign in; the password, if one was made."""
    if _emails():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = administration.hash_chosen(password, email=EMAIL, name=NAME)
    try:
        with transaction() as session:
            new = NewUser(email=EMAIL, name=NAME)
            administration.create_user(session, new, role=Role.ADMIN, password_hash=hashed)
            write_private(PASSWORD_FILE, f"{password}\n")
    except EmailTaken:
        # Whoever registered with it need not be whoever runs this.
        return None
    return password


def sign_in_link(console: str) -> str | None:
    """A link that signs the administrator of this checkout in, once, if there is one."""
    try:
        with transaction() as session:
            token = signing_in.make(session, email=EMAIL, made_by="scripts/up")
    except (AddressNotFound, MayNotSignIn, *outages.ERRORS):
        return None
    return signing_in.address_of(token, console=console)


def how_to_sign_in() -> str:
    """Who may, as far as is known here."""
    try:
        emails = _emails()
    except outages.ERRORS:
        return "nobody signs in while the database does not answer"
    if EMAIL in emails and PASSWORD_FILE.is_file():
        return f"sign in as {EMAIL}, its first password in {os.path.relpath(PASSWORD_FILE)}"
    users = f"{os.path.relpath(Path(sys.prefix, 'bin', 'groundwork'))} users"
    if emails:
        return f"who signs in: {users} list"
    return f"nobody signs in yet: {users} create --admin --email ADDRESS --name NAME"


def _emails() -> list[str]:
    with reading() as session:
        return [user.email for user in administration.list_users(session, role=None)]
