"""Chooses all jobs that a list has, for what is to be done to them: those that it has at that moment.

A job that dies or is accepted later is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.console.jobs.errors import NotAllOfThese
from app.console.questions import looking
from app.db.sessions import transaction
from app.domains.bulk import service
from app.jobs.chosen import Act, Chosen, choose
from app.jobs.web import permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.console.jobs.asked import Asked
    from app.tokens.callers import Caller


def can_be_all(asked: Asked, act: Act) -> bool:
    """Whether a list has those alone that `act` is for."""
    return bool(asked.states) and set(act.states).issuperset(asked.states)


def chosen(asked: Asked, act: Act, *, caller: Caller) -> list[Chosen]:
    """Those of the list that `caller` may change, to one more than an act takes.

    Raises `NotAllOfThese` and `CutOff`.
    """
    if not can_be_all(asked, act):
        raise NotAllOfThese(act=act, states=sorted(act.states))
    within = permissions.within_reach(caller, narrowed_by=asked.filters.error or asked.filters.key)
    with looking() as session:
        return choose(
            session,
            act,
            filters=asked.filters,
            states=asked.states,
            within=within,
            most=service.MAX_JOBS + 1,
        )


def keep(
    jobs: Sequence[Chosen], act: Act, *, by: Sequence[tuple[str, str]], place: str, caller: Caller
) -> int:
    """Write down what was chosen, and by what; under which id."""
    with transaction() as session:
        made = service.choose(
            session,
            act,
            jobs,
            chosen_by=by,
            place=place,
            user_name=caller.name,
            user_id=caller.user_id,
        )
        return made.id
