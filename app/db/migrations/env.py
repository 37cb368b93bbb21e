"""Runs the migrations against the database of the settings."""

from __future__ import annotations

from alembic import context

from app.db.columns import Base
from app.db.engine import make_engine
from app.packages import modules
from app.settings.database_url import parse

#: A step waits no longer for a table that is in use: everybody else would queue behind it meanwhile.
LOCK_TIMEOUT = "5s"

modules("models")


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url, "app.db.migrations.revisions.upgrade() sets the URL"  # noqa: S101
    engine = make_engine(parse(url))
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                context.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            context.run_migrations()
    engine.dispose()


run()
