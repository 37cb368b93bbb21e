"""Whose data a route reads or changes: each route declares it, and `app.tokens.callers.require` goes by it.

An API token sees the data of all, and needs the route's scope alone. A person who signed in reaches what is
theirs, and needs no scope for it; what is others' is answered as if it were not there. With the scope for
everything a person reaches what is others', too, and each such request is to be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.errors import NotFound


class Reach(StrEnum):
    """How far a person reaches with a request, where the route is about what belongs to people."""

    #: To what is theirs. What is another's is answered with 404, which is a denial as well as 403 is.
    OWN = "own"
    #: To what is anybody's, which is to be recorded.
    EVERYBODYS = "everybodys"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose it is that a route reads or changes."""

    #: To whom it is open, for the description of the API.
    says: str
    #: Whether a person needs the route's scope as a token does, and it lets them in whosever it is.
    by_scope: bool = False
    #: Whether what is others' can be reached at all, by whom everything is open to.
    reaches_others: bool = True
    #: The parameters of the path that say whose it is.
    ids: tuple[str, ...] = ()
    #: Given the person's id and `ids`, raises unless it is theirs: `NotFound`, as for what is not
    #: there, or what says why they may see and not change it.
    refuse_others: Callable[..., None] | None = None


#: Nobody's own, such as a catalogue.
BY_SCOPE = Owner(says="Whoever has the scope.", by_scope=True, reaches_others=False)
#: What runs the service, such as jobs. The route shows what in it is personal to administrators alone.
OPERATED = Owner(says="Whoever has the scope; what is personal, administrators and tokens.", by_scope=True)
#: The caller's own session or account: nothing in the request says whose.
SELF = Owner(says="The caller's own.", reaches_others=False)
#: The route narrows its query to `Caller.only_user`, so that what is others' is not found.
IN_QUERY = Owner(says="Of a person who signed in, what is theirs; of an administrator or a token, all.")


def user_at(parameter: str, *, absent: Callable[[int], NotFound]) -> Owner:
    """What belongs to the user whose id is in the path; for others' it is answered with `absent`."""

    def refuse_others(me: int, /, **ids: int) -> None:
        if ids[parameter] != me:
            raise absent(ids[parameter])

    return Owner(says="That user, and administrators.", ids=(parameter,), refuse_others=refuse_others)
