"""What a person needs to use the running service: addresses, a token, how to sign in, what to try first."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from demonstration import mailbox_url
from fleet import runs_flower
from local_settings import DEMO_FILE, ENV_FILE, VAR, write_private
from readiness import api_url, flower_url

from app.db.sessions import reading, transaction
from app.logs.failures import masked_database_url
from app.settings.config import settings
from app.tokens.callers import InvalidToken
from app.tokens.service import TokenNotFound, authenticate, create_token, revoke_token

TOKEN_FILE = VAR / "token"
TOKEN_NAME = "up"  # noqa: S105 (a name, not a secret)


def recorded_token() -> str | None:
    """The token of the last time."""
    return TOKEN_FILE.read_text().strip() if TOKEN_FILE.is_file() else None


def ensure_token() -> str:
    """The token that was made for whoever runs this; a new one when the database does not know it."""
    if recorded := recorded_token():
        try:
            with reading() as session:
                authenticate(session, secret=recorded)
        except InvalidToken:
            print("The token of the last start is not known to this database; creating another.")
        else:
            return recorded
    with transaction() as session:
        with suppress(TokenNotFound):
            revoke_token(session, name_or_id=TOKEN_NAME)
        made = create_token(session, name=TOKEN_NAME, scopes=["*"])
        write_private(TOKEN_FILE, f"{made.secret}\n")
    if not _is_recorded():
        print(f"A token for everything, shown this once: {made.secret}")
    return made.secret


def ensure_administrator() -> None:
    """Somebody who signs in to the console."""
    # Here, because it takes the settings when it is imported, and a first start has to make them.
    import administrator

    password = administrator.ensure()
    if password is not None and not _is_recorded():
        print(f"The console's password of {administrator.EMAIL}, shown this once: {password}")


def _is_recorded() -> bool:
    """Whether what is printed here is kept where others read it: in the log of a build."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def print_summary() -> None:
    # As above.
    import administrator

    token_file = os.path.relpath(TOKEN_FILE)
    groundwork = os.path.relpath(Path(sys.prefix, "bin", "groundwork"))
    mailbox = f"\n  Mailbox  {mailbox_url(settings())}" if DEMO_FILE.exists() else ""
    password = f"user {settings().flower_user}, password in {ENV_FILE}"
    flower = f"\n  Flower   {flower_url()}  {password}" if runs_flower() else ""
    # Never into what others read.
    link = None if _is_recorded() else administrator.sign_in_link(api_url())
    sign_in = f"\n  Sign in  {link}  (once, within 15 minutes)" if link else ""
    print(
        f"""
Groundwork is up.
  API      {api_url()}
  Console  {api_url()}/console  {administrator.how_to_sign_in()}{sign_in}{flower}{mailbox}
  Ledger   {masked_database_url()}
  Token    in {token_file}

Try:
  export TOKEN=$(cat {token_file})
  curl -H "Authorization: Bearer $TOKEN" {api_url()}/api/v1/tasks
  {groundwork} doctor
  {groundwork} jobs list

scripts/up status, scripts/up logs, scripts/up stop do what they say.""",
    )
