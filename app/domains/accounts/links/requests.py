"""Takes what somebody asks to be mailed: the same work and the same answer, whoever is registered.

Only a worker looks whom the address belongs to. The address is sealed in the ledger: it may be a password
that was typed into the wrong field.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from app.db.sessions import reading, transaction
from app.domains.accounts.sessions import lockout
from app.domains.accounts.sessions.lockout import Counted
from app.jobs.celery.application import celery_app
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD_RESET_TASK = "accounts.mail_password_reset"  # noqa: S105 (it is a name)
REGISTRATION_TASK = "accounts.mail_registration"
EMAIL_CHANGE_TASK = "accounts.mail_email_change"
#: Mails that are asked for without a pause: to one address, and by one address of the network.
FREE_TO_ADDRESS = 3
FREE_BY_NETWORK = 20


def ask_for_mail(task: str, arguments: Mapping[str, Any], *, email: str, network: str) -> None:
    """Have a worker do `task`, which mails something to `email`. Raises `TooManyAttempts`."""
    digest = hashlib.sha256(key_of(email).encode()).hexdigest()
    who = Counted(account=f"mail to {digest}", address=f"mail asked by {network}")
    with reading() as session:
        lockout.refuse_paused(session, who)
    with transaction() as session:
        lockout.count(session, who, free_for_address=FREE_BY_NETWORK, free_for_account=FREE_TO_ADDRESS)
        celery_app.send_task(task, kwargs=arguments)
