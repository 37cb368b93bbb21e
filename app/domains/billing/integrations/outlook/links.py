"""The links by which Microsoft Graph pages: followed on the same calendar of the same server alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.domains.billing.integrations.errors import ForeignLink
from app.domains.billing.integrations.outlook.sign_in import graph
from app.domains.billing.integrations.reading import page_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domains.billing.integrations.calling import Operation

DELTA = "/calendarview/delta"


def link(answer: Mapping[str, Any], name: str, *, operation: Operation) -> str | None:
    """A link of an answer; None where there is none. Raises `ForeignLink`: a token would follow it."""
    url = page_token(answer, name, operation=operation)
    if url is not None and not is_own(url):
        raise ForeignLink(provider=operation.provider, operation=operation.name)
    return url


def is_own(url: str) -> bool:
    """Whether `url` asks the server of the settings for changes of a calendar."""
    base = urlsplit(graph())
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    path = parts.path.lower()
    return (
        (parts.scheme, parts.netloc.lower()) == (base.scheme, base.netloc.lower())
        and path.startswith(f"{base.path.lower()}/")
        and path.rstrip("()").endswith(DELTA)
    )
