"""Whatever the API's description allows, and what it does not, by people of each role: never a server error,
and nothing of another person's.

    API_CASES=5000 scripts/test tests/owners/test_any_request.py

sends so many requests in place of a few hundred; `API_SEED=N` repeats a run.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from app.api import app
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.domains.accounts.sessions.service import start_for_client
from app.http import streams
from app.http.observing import observed_by
from app.tokens.owners import Reach
from tests.api_client import anonymous
from tests.domains.banking.linking import point_at
from tests.domains.billing.integrations.sides import connectable
from tests.fakes.plaid import FakePlaid
from tests.owners import belongings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from httpx import Response
    from sqlalchemy import Engine

    from app.http.observing import Exchange
    from tests.owners.belongings import Belongings

pytestmark = pytest.mark.databases("sqlite")

Case = schemathesis.Case[Any]
CASES = int(os.environ.get("API_CASES", "600"))
SEED = int(os.environ.get("API_SEED", random.randrange(2**32)))
THEIRS = "canary-bob"
#: The address under which the application is asked.
BASE = "http://testserver"


@pytest.fixture
def bob(
    database: Engine, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Belongings]:
    """Somebody else, with one of everything."""
    # A stream of events ends after its first one, or there would be no second request.
    monkeypatch.setattr(streams, "LONGEST_STREAM", timedelta(milliseconds=1))
    monkeypatch.setattr(streams, "SHORTEST_WAIT", timedelta(milliseconds=1))
    with FakePlaid() as plaid:
        configure(**point_at(plaid), **connectable())
        yield belongings.somebody(THEIRS)


class Asking:
    """A person who sends whatever comes, with ids of their own and of others, and looks at the answers.

    They sign in again when what they sent has ended the session.
    """

    def __init__(self, who: Belongings, *, others: Belongings, judge: Callable[[Response], None]) -> None:
        self._user, self._client = who.user, anonymous()
        self._ids = [who.ids, others.ids]
        self._judge = judge
        self.statuses: Counter[int] = Counter()
        self._sign_in()

    def ask(self, case: Case, dice: random.Random) -> None:
        aim(case, self._ids, dice)
        answer = self._send(case)
        if answer.status_code == 401 and answer.json()["code"] in ("invalid_token", "expired_token"):
            self._sign_in()
            answer = self._send(case)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"API_SEED={SEED}: {answer.request.url}: {answer.text}"
        self._judge(answer)

    def _send(self, case: Case) -> Response:
        sent = case.as_transport_kwargs(base_url=BASE)
        # The description asks for a token, so that each case has one, which is made up.
        sent["headers"] = {name: value for name, value in sent["headers"].items() if name != "Authorization"}
        sent["content"] = sent.pop("data", None)
        sent.pop("cookies", None)
        answer: Response = self._client.request(**sent)
        return answer

    def _sign_in(self) -> None:
        with transaction() as session:
            pair = start_for_client(session, user_id=self._user, address="203.0.113.0/24")
        self._client.headers["Authorization"] = f"Bearer {pair.access_token}"


def aim(case: Case, ids: list[dict[str, Any]], dice: random.Random) -> None:
    """Replace some of its ids by such as there are: what is made up is seldom anybody's."""
    known = {name: [each[name] for each in ids] for name in ids[0]}

    def replaced(value: Any, *, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: replaced(below, name=key) for key, below in value.items()}
        if isinstance(value, list):
            return [replaced(below, name=name) for below in value]
        return dice.choice(known[name]) if name in known and dice.random() < 0.8 else value

    case.path_parameters = replaced(case.path_parameters)
    case.query = replaced(case.query)
    case.body = replaced(case.body)


def operations() -> list[Any]:
    """What the description says can be asked."""
    app.openapi_schema = None
    document = app.openapi()
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    usable = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(usable) == sum(map(len, document["paths"].values()))
    return usable


def cases(operation: Any) -> st.SearchStrategy[Case]:
    """Requests that the description allows and, each third time or so, such as it does not."""
    allowed, other = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    return st.one_of(allowed, allowed, other)


def send_all(askings: Sequence[Asking]) -> None:
    """Send the cases, each as everybody: to make them up takes longer than to send them."""
    each, dice = operations(), random.Random(SEED)

    def send(case: Case) -> None:
        for asking in askings:
            asking.ask(case, dice)

    as_many = settings(
        max_examples=-(-CASES // len(askings) // len(each)),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for operation in each:
        seed(SEED)(as_many(given(cases(operation))(send)))()


def test_nobody_is_shown_what_is_another_s_and_what_an_administrator_is_shown_is_recorded(
    bob: Belongings,
) -> None:
    shown = 0

    def is_not_bobs(answer: Response) -> None:
        assert THEIRS not in answer.text, f"API_SEED={SEED}: {answer.request.url}: {answer.text}"

    def is_recorded(answer: Response) -> None:
        nonlocal shown
        belongings.end_memberships(but=members)
        if THEIRS in answer.text:
            shown += 1
            assert exchanges[-1].scope["state"].get("reach") is Reach.EVERYBODYS, answer.request.url

    judges = {Role.VIEWER: is_not_bobs, Role.OPERATOR: is_not_bobs, Role.ADMIN: is_recorded}
    assert judges.keys() == set(Role)
    askings = [
        Asking(belongings.somebody(f"canary-{role}", role), others=bob, judge=judge)
        for role, judge in judges.items()
    ]
    members = belongings.memberships()
    exchanges: list[Exchange] = []
    with observed_by(exchanges.append):
        send_all(askings)
    for role, asking in zip(judges, askings, strict=True):
        counted = {int(status): count for status, count in sorted(asking.statuses.items())}
        print(f"API_SEED={SEED}, {role}, {asking.statuses.total()} requests: {counted}")
        assert {200, 404, 422} <= asking.statuses.keys()
    assert shown, "an answer that shows another's data is told from one that does not"
