"""The database's shape, one numbered step after another."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import inspect, text

from app.db import outages
from app.db.engine import engine
from app.settings.config import settings
from app.settings.sources import ConfigError

FOLDER = Path(__file__).parent
#: A step's file begins with its revision.
_STEP = re.compile(r"\d{4}(?=_)")


def upgrade(*, database_url: str | None = None, to: str = "head") -> None:
    """Bring the database (by default the one of the settings) to the newest revision, or to `to`."""
    # Each service looks at revisions when it starts; Alembic is for changing them.
    from alembic import command
    from alembic.config import Config

    config = Config()
    options = {
        "script_location": str(FOLDER),
        "recursive_version_locations": "true",
        "sqlalchemy.url": database_url or settings().database_url,
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    command.upgrade(config, to)


def newest_revision() -> str:
    """The revision this release needs."""
    return max(known_revisions())


def known_revisions() -> frozenset[str]:
    """Every revision this release can migrate from."""
    steps = [_STEP.match(path.name) for path in (FOLDER / "versions").rglob("*.py")]
    return frozenset(step[0] for step in steps if step)


def current_revision() -> str | None:
    """The revision the database is at; None for an empty one. Raises what the database raises."""
    with engine().connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


class NotMigrated(ConfigError):
    """Raised when a service would start on a database that is older than it."""

    def __init__(self, *, current: str | None, needed: str) -> None:
        at = f"at revision {current}" if current else "empty"
        super().__init__(f"The database is {at}; this release needs {needed}. Run: groundwork migrate")


def refuse_outdated() -> None:
    """Raise `NotMigrated` for an older database. A newer one is right: releases follow its migration.

    One that does not answer is not judged: services start without it and wait.
    """
    try:
        current = current_revision()
    except outages.ERRORS as error:
        if not outages.is_transient(error):
            raise
        return
    newest = newest_revision()
    if current != newest and (current is None or current in known_revisions()):
        raise NotMigrated(current=current, needed=newest)
