"""The one reading of the URL of the mirror of results: which store it names, or what is wrong with it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url

from app.settings import database_url, redis_url
from app.settings.database_url import UnusableDatabaseUrl
from app.settings.redis_url import RedisAddress, UnusableRedisUrl

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = (
    "redis://host:port/0, rediss://host:port/0, db+postgresql://user:password@host/name or "
    "db+mysql://user:password@host/name"
)
_MYSQL_DRIVER = "pymysql"
_DATABASE = "db+"


class UnusableMirrorUrl(ValueError):
    """Raised for a URL that names no result store. The message shows nothing of it."""


@dataclass(frozen=True, kw_only=True)
class MirrorPlace:
    """Where results are mirrored: in a Redis, or in a database."""

    redis: RedisAddress | None = None
    database: URL | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The place as anybody may see it."""
        if self.redis is not None:
            return self.redis.shown
        assert self.database is not None  # noqa: S101 (narrows the type)
        bare = URL.create(self.database.get_backend_name(), host=self.database.host, port=self.database.port)
        return bare.set(database=self.database.database).render_as_string()


def parse(text: str) -> MirrorPlace:
    """The place that `text` names. Raises `UnusableMirrorUrl`."""
    text = text.strip()
    if text.startswith(("redis://", "rediss://")):
        return _read(lambda: MirrorPlace(redis=redis_url.address_of(text)))
    if text.startswith(("db+postgresql://", "db+postgres://")):
        return _read(lambda: MirrorPlace(database=database_url.parse(text.removeprefix(_DATABASE))))
    if text.startswith(("db+mysql://", "db+mariadb://")):
        return MirrorPlace(database=_mysql(text.removeprefix(_DATABASE)))
    raise UnusableMirrorUrl(f"it names no result store that is known. Use {FORMS}")


def _read(place: Callable[[], MirrorPlace]) -> MirrorPlace:
    try:
        return place()
    except (UnusableRedisUrl, UnusableDatabaseUrl) as error:
        raise UnusableMirrorUrl(str(error)) from None


def _mysql(text: str) -> URL:
    try:
        url = make_url(text)
    except Exception:  # SQLAlchemy's errors show the piece that they could not read
        raise UnusableMirrorUrl(f"it is not a URL. Use {FORMS}. {database_url.ENCODING}") from None
    if not url.host or not url.database or "@" in url.host:
        raise UnusableMirrorUrl(f"it names no host, or no database. Use {FORMS}. {database_url.ENCODING}")
    if importlib.util.find_spec(_MYSQL_DRIVER) is None:
        raise UnusableMirrorUrl(
            "db+mysql:// needs PyMySQL, which is not installed: install groundwork[mysql]"
        )
    # Without it, a server of a few years ago takes no letter beyond the Basic Multilingual Plane.
    return url.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"})
