"""Checks of where files are kept, and of where links to them lead."""

from __future__ import annotations

import stat
from pathlib import Path

from app.errors import GroundworkError
from app.health.doctor.finding import Finding
from app.settings.config import settings
from app.storage.stores import store

ABOUT = "files"


def files_can_be_kept() -> Finding:
    """Whether a file that is stored now would be kept, for nobody else to read."""
    try:
        store().check()
    except GroundworkError as error:
        return Finding.problem(
            ABOUT,
            str(error),
            fix=f"Let the service's user write to {settings().storage}, or correct GROUNDWORK_STORAGE.",
        )
    place = settings().storage_place
    mode = stat.S_IMODE(place.stat().st_mode) if isinstance(place, Path) else 0
    if mode & stat.S_IRWXO:
        return Finding.problem(
            ABOUT,
            f"{place} holds people's files and has mode {mode:04o}: everybody on this host can look into it.",
            fix=f"Run: chmod o-rwx {place}",
        )
    return Finding.ok(ABOUT, f"Files are kept in {settings().storage}.")


def links_lead_to_the_api() -> Finding:
    """Whether links to files are of use on other machines."""
    given = settings()
    if given.api_url or not isinstance(given.storage_place, Path):
        return Finding.ok(ABOUT, f"Links to files lead to {given.api_url or 'the bucket'}.")
    if given.release == "dev":
        return Finding.ok(ABOUT, "Links to files lead to this machine, as in a checkout they should.")
    return Finding.warning(
        ABOUT,
        "Links to files lead to the API's own port, which other machines do not reach.",
        fix="Set GROUNDWORK_API_URL (api_url in groundwork_settings) to what callers use: https://HOST",
    )
