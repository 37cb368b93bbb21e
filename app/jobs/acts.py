"""Shows what is done by hand to whoever keeps it, such as an audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.packages import modules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session


class Act(NamedTuple):
    """What somebody did, and what belongs to it: a reason, and how it was before and after."""

    title: str
    path: str
    by: str
    arguments: Mapping[str, Any]


_keepers: list[Callable[[Session, Act], None]] = []


def kept_by(keeper: Callable[[Session, Act], None]) -> None:
    """Have it called with each act, in the transaction of the act."""
    if keeper not in _keepers:
        _keepers.append(keeper)


def keep(session: Session, act: Act) -> None:
    """Call all, those of modules with tasks that nobody needed so far among them."""
    modules("tasks")
    for keeper in _keepers:
        keeper(session, act)
