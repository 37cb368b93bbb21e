"""Where the console's pages are, and which of them somebody may be led back to."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from app.domains.accounts.links import signing_in

ROOT = "/console"
SIGN_IN = f"{ROOT}/sign-in"
SIGN_IN_LINK = signing_in.PAGE
#: Pages for whoever has not signed in.
OPEN = (SIGN_IN, SIGN_IN_LINK)
SIGN_OUT = f"{ROOT}/sign-out"
STATIC = f"{ROOT}/static/"
JOBS = f"{ROOT}/jobs"
ALL_JOBS = f"{ROOT}/all-jobs"
BULK = f"{ROOT}/bulk"
VIEWS = f"{ROOT}/views"
QUEUES = f"{ROOT}/queues"
PAUSE = f"{QUEUES}/pause"
RESUME = f"{QUEUES}/resume"
WORKERS = f"{ROOT}/workers"
QUARANTINE = f"{ROOT}/quarantine"
DELIVERIES = f"{ROOT}/deliveries"
DEPLOYS = f"{ROOT}/deploys"
DISCARD = f"{QUARANTINE}/discard"
ALERTS = f"{ROOT}/alerts"
MUTE = f"{ALERTS}/mute"
UNMUTE = f"{ALERTS}/unmute"
AUDIT = f"{ROOT}/audit"
TIMELINE = f"{ROOT}/timeline"
SCHEDULES = f"{ROOT}/schedules"
CALENDAR = f"{ROOT}/calendar"
ERRORS = f"{ROOT}/errors"
#: A page, and what it was asked; nothing that climbs out of the console or leaves this host.
_PAGE = re.compile(rf"{ROOT}(?:/[\w-][\w.:~-]*){{0,3}}(?:\?[\x21-\x7e]{{0,2000}})?", re.ASCII)


def page_or_root(given: str) -> str:
    """`given`, if it is a page of the console; otherwise its first page."""
    path = given.partition("?")[0]
    return given if _PAGE.fullmatch(given) and path not in (*OPEN, SIGN_OUT) else ROOT


def sign_in_for(page: str) -> str:
    """Where somebody signs in who wants to see `page`."""
    wanted = page_or_root(page)
    return SIGN_IN if wanted == ROOT else f"{SIGN_IN}?{urlencode({'next': wanted})}"


def job_at(job_id: str) -> str:
    """The page of a job."""
    return f"{JOBS}/{quote(job_id, safe='')}"


def schedule_at(name: str) -> str:
    """The page of a schedule."""
    return f"{SCHEDULES}/{quote(name, safe='')}"


def bulk_at(act_id: int) -> str:
    """The page of a bulk act."""
    return f"{BULK}/{act_id}"
