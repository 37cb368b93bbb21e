"""Checks of what signing in needs."""

from __future__ import annotations

from app.domains.accounts.passwords.breached import is_breached
from app.domains.accounts.passwords.errors import BreachedListUnusable
from app.health.doctor.finding import Finding
from app.settings.config import settings

ABOUT = "passwords"


def the_breached_list_can_be_searched() -> Finding:
    """Whether a list of breached passwords is there and readable, if one is set."""
    path = settings().breached_passwords
    if path is None:
        return Finding.ok(ABOUT, "New passwords are compared with the short list of the release.")
    try:
        is_breached("")
    except BreachedListUnusable as error:
        return Finding.problem(
            ABOUT,
            f"{error} Nobody can choose a password until it is.",
            fix="Put a list there that the service's user can read, or unset GROUNDWORK_BREACHED_PASSWORDS.",
        )
    return Finding.ok(ABOUT, f"New passwords are compared with {path}.")


CHECKS = (the_breached_list_can_be_searched,)
