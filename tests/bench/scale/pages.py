"""What the console's pages of jobs ask of both ledgers, down to what a template is given."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.console.jobs import all_of_them, listed, whole
from app.console.jobs.asked import Asked, asked
from app.console.questions import CutOff
from app.db.sessions import reading
from app.jobs.chosen import Act
from app.jobs.ledger.models import Job, State
from app.jobs.listing import cursor_at
from app.tokens.callers import Caller
from app.tokens.scope import EVERYTHING
from tests.bench.scale.filling import RARE, SHARES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Calls = Iterable[Callable[[], object]]

ADMIN = Caller(token_id="user:1", name="user:1", scopes=frozenset({EVERYTHING}), expires_at=None, user_id=1)
COMMON = SHARES[0]


def _list(**narrowed: Any) -> Calls:
    return [partial(_looked, asked(list(narrowed.items())))] * 5


def _looked(wanted: Asked) -> object:
    """A page, or how long it took until it was ended."""
    try:
        return listed.look(wanted, caller=ADMIN)
    except CutOff as error:
        return error


def _back() -> Calls:
    """The page before the one that comes after the first."""
    last = listed.look(Asked(), caller=ADMIN).jobs[-1]
    cursor = cursor_at(accepted_at=last.accepted_at, job_id=last.id)
    wanted = Asked(cursor=cursor, backwards=True)
    return [partial(_looked, wanted)] * 5


def _job(state: State) -> Calls:
    """Some in that state; in the empty ledger, where none has ended, any."""
    with reading() as session:
        wanted = select(Job.id).limit(10)
        some = session.scalars(wanted.where(Job.state == state)).all() or session.scalars(wanted).all()
    return [partial(whole.look_at, job_id, caller=ADMIN) for job_id in some]


def _choice(act: Act, *states: State) -> Calls:
    return [partial(all_of_them.chosen, Asked(states=states), act, caller=ADMIN)] * 3


QUESTIONS: dict[str, Callable[[], Calls]] = {
    "console: list, newest": _list,
    "console: list, back": _back,
    "console: list, dead": lambda: _list(state="dead"),
    "console: list, a task of many": lambda: _list(task=COMMON.task),
    "console: list, a task of few": lambda: _list(task=RARE.task),
    "console: list, a queue of few": lambda: _list(queue=RARE.queue),
    "console: list, an error of many": lambda: _list(error="unavailable"),
    "console: list, an error of none": lambda: _list(error="no such text"),
    "console: a job that is done": lambda: _job(State.DONE),
    "console: a job that is dead": lambda: _job(State.DEAD),
    "console: a job that waits": lambda: _job(State.READY),
    "console: choose all that are dead": lambda: _choice(Act.RETRY, State.DEAD),
    "console: choose all that wait": lambda: _choice(Act.CANCEL, State.READY),
}
