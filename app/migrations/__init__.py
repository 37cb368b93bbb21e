"""The database's shape, one numbered step after another."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from app.config import ConfigError, settings
from app.db import engine


def _config(database_url: str) -> Config:
    config = Config()
    options = {"script_location": str(Path(__file__).parent), "sqlalchemy.url": database_url}
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def upgrade(*, database_url: str | None = None) -> None:
    """Bring the database (by default the one of the settings) to the newest revision."""
    command.upgrade(_config(database_url or settings().database_url), "head")


def newest_revision() -> str | None:
    """The revision this release needs."""
    return ScriptDirectory.from_config(_config(settings().database_url)).get_current_head()


def known_revisions() -> frozenset[str]:
    """Every revision this release can migrate from."""
    script = ScriptDirectory.from_config(_config(settings().database_url))
    return frozenset(step.revision for step in script.walk_revisions())


def current_revision() -> str | None:
    """The revision the database is at; None for an empty one. Raises what the database raises."""
    with engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


class NotMigrated(ConfigError):
    """Raised when a service would start on a database that is older than it."""

    def __init__(self, *, current: str | None, needed: str | None) -> None:
        at = f"at revision {current}" if current else "empty"
        super().__init__(f"The database is {at}; this release needs {needed}. Run: groundwork migrate")


def refuse_outdated() -> None:
    """Raise `NotMigrated` for an older database. A newer one is right: releases follow its migration.

    One that does not answer is not judged: services start without it and wait.
    """
    try:
        current = current_revision()
    except OperationalError:
        return
    newest = newest_revision()
    if current != newest and (current is None or current in known_revisions()):
        raise NotMigrated(current=current, needed=newest)
