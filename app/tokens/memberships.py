"""Whose something is that several people share: its members see it, its admins change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.db.sessions import reading
from app.tokens.owners import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Select

    from app.errors import GroundworkError, NotFound


@dataclass(frozen=True, kw_only=True)
class Membership:
    """How a domain keeps who shares in something."""

    #: What they share, in a word.
    shared: str
    #: The column that says who is a member.
    user_id: Any
    #: The role that changes things.
    admin: str
    #: What a member is told who is to change something.
    not_admin: Callable[[], GroundworkError]

    def owners(
        self, parameter: str, of: Callable[[int], Select[Any]], absent: Callable[..., NotFound]
    ) -> tuple[Owner, Owner]:
        """Of what has its id in the path at `parameter`: what members do with it, and what admins do.

        `of` gives the roles of the members.
        """

        def role_of(me: int, ids: dict[str, int]) -> str:
            mine: ColumnElement[bool] = self.user_id == me
            with reading() as session:
                role: str | None = session.scalar(of(ids[parameter]).where(mine))
            if role is None:
                raise absent(**ids)
            return role

        def refuse_strangers(me: int, /, **ids: int) -> None:
            role_of(me, ids)

        def refuse_members(me: int, /, **ids: int) -> None:
            if role_of(me, ids) != self.admin:
                raise self.not_admin()

        return (
            Owner(
                says=f"Members of the {self.shared}, and administrators.",
                ids=(parameter,),
                refuse_others=refuse_strangers,
            ),
            Owner(
                says=f"Admins of the {self.shared}, and administrators.",
                ids=(parameter,),
                refuse_others=refuse_members,
            ),
        )
