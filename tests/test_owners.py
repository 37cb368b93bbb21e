"""Who reaches whose data: each route says whose it is, and no person reaches another's."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fastapi.routing import iter_route_contexts

from app.api import app
from app.db.sessions import transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from app.domains.accounts.sessions import service as sessions
from app.domains.audit.recording.recorder import Recorder, record_of
from app.http.observing import observed_by
from app.http.routing import asks_of
from app.jobs.declaration import registry
from app.jobs.ledger.models import Job, State
from app.schedule.models import ScheduleRun
from app.tokens.callers import (
    UNDECLARED,
    header_verified_at,
    is_open_to_strangers,
)
from app.tokens.owners import BY_SCOPE, OPERATED, Owner
from app.tokens.scope import is_personal
from app.tokens.service import revoke_token
from tests import belongings
from tests.api_client import anonymous, client_for, new_token
from tests.domains.notifications import people
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from app.domains.audit.records import OperationRecord
    from tests.belongings import Belongings

pytestmark = pytest.mark.databases("sqlite")

BOTH_DATABASES = pytest.mark.databases("sqlite", "postgresql")
#: They tell nothing of anybody.
NOBODYS = {"/livez", "/readyz", "/api/v1/openapi.json"}
#: What is done to people by those whose role has the scope.
DONE_TO_PEOPLE = {
    ("POST", "/api/v1/notify"),
    ("POST", "/api/v1/users/register"),
    ("POST", "/api/v1/users/{user_id}/notifications"),
}
JOBS = "/api/v1/jobs"
HOUSEHOLDS = "/api/v1/banking/households"
AUDIT = "/api/v1/audit"
SCHEDULES = "/api/v1/schedules"


class Route(NamedTuple):
    """A route as far as it says whom it serves."""

    method: str
    path: str
    asks: tuple[tuple[str, Owner], ...]

    @property
    def owner(self) -> Owner:
        return self.asks[0][1]

    @property
    def by_scope(self) -> bool:
        return self.owner in (BY_SCOPE, OPERATED)


@cache
def routes() -> list[Route]:
    """All of the application that are not open to strangers."""
    return [
        Route(method, route.path or "", tuple(asks_of(getattr(route, "dependant", None))))
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
        if route.path not in NOBODYS and not is_open_to_strangers(route.path or "")
        if method != "HEAD" and not header_verified_at(route.path or "")
    ]


def test_every_route_declares_whose_data_it_reads_or_changes() -> None:
    assert len(routes()) > 60
    for route in routes():
        assert len(route.asks) == 1, f"{route.method} {route.path} asks for one scope, by one `require`"
        assert route.owner is not UNDECLARED, (
            f"{route.method} {route.path} does not say whose data it deals with. Write "
            "require(SCOPE, OWNER), with BY_SCOPE for what is nobody's own, OPERATED for what runs the "
            "service, SELF for what is the caller's without an id, IN_QUERY where the query is narrowed to "
            "Caller.only_user, or an Owner of the domain for an id in the path (app/tokens/owners.py)."
        )


def test_what_says_whose_it_is_stands_in_the_path() -> None:
    for route in routes():
        named = set(re.findall(r"{(\w+)", route.path))
        assert set(route.owner.ids) <= named, route


def test_a_personal_scope_alone_opens_only_what_is_done_to_people() -> None:
    personal = {(route.method, route.path) for route in routes() if is_personal(route.asks[0][0])}
    alone = {(route.method, route.path) for route in routes() if route.by_scope}
    assert personal & alone == DONE_TO_PEOPLE
    assert len(personal) > 35


def test_only_such_jobs_are_shown_whole_to_operators_as_are_about_nobody() -> None:
    nobodys = {"alerts.deliver_alert", "pricing:write"}
    for spec in registry.tasks().values():
        if spec.body.__module__.startswith("app.") and spec.model.model_fields:
            known = nobodys & {spec.name, spec.scope} or is_personal(spec.scope or "")
            assert known, (
                f"{spec.name} takes something that may be about people. State a scope that is declared with "
                "is_personal=True, or name the task or its scope here as nobody's."
            )


def test_the_description_says_to_whom_each_route_is_open() -> None:
    paths = app.openapi()["paths"]
    for route in routes():
        [(scope, owner)] = route.asks
        said = paths[route.path.replace(":path", "")][route.method.lower()]["description"]
        assert said.endswith(f"Scope: `{scope}`. Open to: {owner.says}"), route


#: What a route is sent so that it would do something for whom it serves.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/api/v1/users/{user_id}"): {"name": "Changed"},
    ("POST", "/api/v1/users/{user_id}/push-endpoints"): {"platform": "fcm", "address": "another-device"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/link-token"): {"user_id": "user_id"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/items"): {"public_token": "public-sandbox-1"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/categories"): {"name": "Another"},
    ("POST", f"{HOUSEHOLDS}/{{household_id}}/bills/{{bill_id}}/paid"): {"due": "2030-01-31"},
    ("PUT", f"{HOUSEHOLDS}/{{household_id}}/budgets/{{budget_id}}"): {"amount": "5"},
}
BILL = {"name": "New", "amount": "5", "currency": "EUR", "rule": "once", "next_due": "2030-01-01"}
BODIES[("POST", f"{HOUSEHOLDS}/{{household_id}}/bills")] = BILL
BODIES[("PUT", f"{HOUSEHOLDS}/{{household_id}}/bills/{{bill_id}}")] = BILL
BODIES[("POST", f"{HOUSEHOLDS}/{{household_id}}/budgets")] = {
    "category_id": "category_id",
    "period": "year",
    "amount": "5",
}


def ask(client: TestClient, route: Route, ids: dict[str, Any]) -> Response:
    """Ask for what has `ids`, in the path and in the body."""
    body = BODIES.get((route.method, route.path))
    if body is not None:
        body = {
            name: ids.get(value, value) if name.endswith("_id") else value for name, value in body.items()
        }
    path = re.sub(r"{(\w+)(?::path)?}", lambda match: str(ids.get(match[1], "nothing")), route.path)
    answer: Response = client.request(route.method, path, json=body)
    return answer


def of_one_person(*, but: str | None = "/events") -> list[Route]:
    """The routes that have the ids of somebody's own in their paths; one's own events have no end here."""
    return [route for route in routes() if route.owner.ids and not (but and route.path.endswith(but))]


@pytest.fixture
def ann(database: Engine) -> Belongings:
    return belongings.somebody("canary-ann")


@pytest.fixture
def bob(ann: Belongings) -> Belongings:
    return belongings.somebody("canary-bob")


def unlike(answer: Response, ids: dict[str, Any]) -> tuple[int, str]:
    """What an answer says, without the ids that were asked for."""
    text = answer.text.replace(answer.headers["X-Request-ID"], "")
    for value in sorted(map(str, ids.values()), key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "ID", text)
    return answer.status_code, text


@BOTH_DATABASES
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_what_is_another_s_is_answered_as_what_is_not_there(
    ann: Belongings, bob: Belongings, role: Role
) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    client, nothing = ann.client(), dict.fromkeys(bob.ids, 4_711)
    assert len(of_one_person(but=None)) > 30
    for route in of_one_person(but=None):
        theirs = ask(client, route, bob.ids)
        assert theirs.status_code == 404, (route, theirs.text)
        assert "canary-bob" not in theirs.text
        assert unlike(theirs, bob.ids) == unlike(ask(client, route, nothing), nothing), route
    assert_untouched(bob)


def assert_untouched(who: Belongings) -> None:
    client = client_for()
    for path in (
        f"/api/v1/users/{who.user}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/bills/{who.ids['bill_id']}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/budgets/{who.ids['budget_id']}",
        f"{HOUSEHOLDS}/{who.ids['household_id']}/set-aside",
        f"/api/v1/users/{who.user}/push-endpoints",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Changed" not in answer.text
        assert "New" not in answer.text
    assert client.get(f"/api/v1/users/{who.user}/notifications/unread-count").json()["count"] == 1
    assert len(client.get(f"/api/v1/users/{who.user}/push-endpoints").json()["push_endpoints"]) == 1


def test_a_part_of_another_s_is_not_found_below_one_s_own(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    for route in of_one_person():
        named = set(re.findall(r"{(\w+)", route.path)) - set(route.owner.ids)
        body = BODIES.get((route.method, route.path), {})
        inner = named | {name for name in body if name.endswith("_id")}
        for name in inner:
            answer = ask(client, route, ann.ids | {name: bob.ids[name]})
            assert answer.status_code in (404, 422), (route, name, answer.text)
            assert "canary-bob" not in answer.text
    assert_untouched(bob)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_a_person_sees_and_changes_what_is_theirs_whatever_their_role(ann: Belongings, role: Role) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    client = ann.client()
    # What deletes comes last.
    for route in sorted(of_one_person(), key=lambda route: route.method == "DELETE"):
        answer = ask(client, route, ann.ids)
        # Nobody plays Plaid here.
        expected = {200, 201, 202, 204, 409} | ({503} if "Plaid" in answer.text else set())
        assert answer.status_code in expected, (route, answer.text)


def test_an_administrator_and_a_token_reach_what_is_everybody_s(ann: Belongings) -> None:
    root = belongings.person("canary-root", Role.ADMIN)
    for client in (root.client(), client_for()):
        for route in of_one_person():
            if route.method == "GET":
                answer = ask(client, route, ann.ids)
                assert answer.status_code == 200, (route, answer.text)


@BOTH_DATABASES
def test_a_member_sees_what_an_admin_of_the_household_changes(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.join(cleo, ann)
    client = cleo.client()
    for route in of_one_person():
        if "user_id" in route.owner.ids:
            continue
        answer = ask(client, route, ann.ids)
        if route.method == "GET" or route.path.endswith("/sync"):
            assert answer.status_code in (200, 202), (route, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "not_household_admin"), route
    belongings.leave(cleo, ann)
    for route in of_one_person():
        assert ask(client, route, ann.ids).status_code == 404, route


@BOTH_DATABASES
def test_households_are_listed_to_their_members_in_full_pages(ann: Belongings, bob: Belongings) -> None:
    client, token = ann.client(), client_for("banking:read")
    theirs = [belongings.somebody(f"canary-{number}") for number in range(3)]
    for other in theirs[::2]:
        belongings.join(ann, other)
    mine = [who.ids["household_id"] for who in (ann, *theirs[::2])]
    first = client.get(HOUSEHOLDS, params={"limit": 2}).json()
    second = client.get(HOUSEHOLDS, params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["id"] for one in first["households"]] == mine[:2]
    assert [one["id"] for one in second["households"]] == mine[2:]
    assert second["next"] is None
    assert len(token.get(HOUSEHOLDS).json()["households"]) == 5


def test_a_person_makes_a_household_of_nobody_else(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    made = {"name": "Second home", "currency": "EUR"}
    me = {"user_id": ann.user, "role": "admin"}
    assert client.post(HOUSEHOLDS, json=made | {"members": [me]}).status_code == 201
    answers = [
        client.post(HOUSEHOLDS, json=made | {"members": [me, {"user_id": user_id}]})
        for user_id in (bob.user, 4_711)
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.json()["detail"].replace(str(bob.user), "4711", 1) for answer in answers] == [
        answers[1].json()["detail"]
    ] * 2
    both = {"members": [me, {"user_id": bob.user}]}
    assert client_for().post(HOUSEHOLDS, json=made | both).status_code == 201


def test_nobody_acts_for_another_member(ann: Belongings) -> None:
    cleo = belongings.person("canary-cleo", Role.VIEWER)
    belongings.join(cleo, ann)
    path = f"{HOUSEHOLDS}/{ann.ids['household_id']}/link-token"
    answers = [ann.client().post(path, json={"user_id": user_id}) for user_id in (cleo.user, 4_711)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "not_a_member")}


@BOTH_DATABASES
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_the_audit_logs_show_a_person_their_own(ann: Belongings, bob: Belongings, role: Role) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=role)
    for log in ("operations", "logins", "operations.csv", "logins.csv"):
        for query in ({}, {"user_id": bob.user}, {"user": f"user:{bob.user}"}, {"limit": 1}):
            text = ann.client().get(f"{AUDIT}/{log}", params=query).text
            assert "canary-bob" not in text, (log, query)
            assert ("canary-ann" in text) == (query in ({}, {"limit": 1})), (log, query)
    root = belongings.person("canary-root", Role.ADMIN)
    assert "canary-bob" in root.client().get(f"{AUDIT}/operations").text


def test_a_viewer_has_no_part_in_operating(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    for route in routes():
        if route.by_scope and route.asks[0][0] not in ("pricing:read", "metrics:read"):
            answer = ask(client, route, bob.ids)
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), route


def test_an_operator_runs_jobs_and_reads_nothing_of_people(ann: Belongings, bob: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.OPERATOR)
    client, path = ann.client(), f"{JOBS}/{bob.ids['job_id']}"
    seen = client.get(path)
    assert "canary-bob" not in seen.text
    assert (seen.json()["state"], seen.json()["error"]) == ("dead", "UserNotFound")
    assert set(seen.json()["arguments"].values()) == {"***"}
    for url in (
        JOBS,
        f"{path}/events",
        f"{JOBS}?error=nobody",
        f"{JOBS}?task=notifications.send_notification",
    ):
        text = client.get(url).text
        assert "canary-bob" not in text, url
        assert (bob.ids["job_id"] in text) == ("nobody" not in url), url
    by_error = client.post(f"{JOBS}/retry", json={"error": "canary-bob"})
    assert by_error.json() == {"retried": 0, "more": False}
    retried = client.post(f"{path}/retry")
    assert (retried.status_code, retried.json()["state"]) == (200, "ready")
    assert "canary-bob" not in retried.text
    cancelled = client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert "canary-bob" not in cancelled.text
    assert "canary-bob" in client_for().get(path).text


def test_an_operator_does_not_read_in_schedules_what_is_personal(ann: Belongings, bob: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.OPERATOR)
    made = {"name": "evening", "task": "notifications.send_notification", "cron": "0 18 * * *"}
    of_bob = {"user_id": bob.user, "type": "greeting", "title": bob.word, "message": bob.word}
    assert client_for().post(SCHEDULES, json=made | {"arguments": of_bob}).status_code == 201
    run = {"schedule": "evening", "moment": belongings.AT, "fired_at": belongings.AT, "outcome": "dead"}
    with transaction() as session:
        session.add(ScheduleRun(error=f"UserNotFound: {bob.word} is nobody", **run))
    for path in (SCHEDULES, f"{SCHEDULES}/evening", f"{SCHEDULES}/evening/runs"):
        assert bob.word in client_for().get(path).text
        assert bob.word not in ann.client().get(path).text, path
    changed = ann.client().patch(f"{SCHEDULES}/evening", json={"enabled": False})
    assert (changed.status_code, bob.word in changed.text) == (200, False)
    [seen] = ann.client().get(f"{SCHEDULES}/evening/runs").json()
    assert seen["error"] == "UserNotFound"


def test_who_is_disabled_reaches_nothing_within_a_second(ann: Belongings) -> None:
    client, path = ann.client(), f"/api/v1/users/{ann.user}"
    assert client.get(path).status_code == 200
    with transaction() as session:
        administration.disable(session, email=ann.email)
    wait_until(lambda: client.get(path).status_code == 401, seconds=6, what="the person is refused")


def take_away(who: Belongings, *, how: str) -> None:
    with transaction() as session:
        if how == "disable":
            administration.disable(session, email=who.email)
        elif how == "sign out":
            sessions.end_all(session, user_id=who.user)
        else:
            administration.set_role(session, email=who.email, role=Role.VIEWER)


def change(who: Belongings) -> None:
    """Have something new for those who follow the inbox, and for those who follow the job."""
    people.tell(who.user, key=f"{who.word} again")
    with transaction() as session:
        session.get_one(Job, who.ids["job_id"]).attempt += 1


@pytest.mark.parametrize(
    "path", ["/api/v1/users/{user_id}/notifications/events", f"{JOBS}/{{job_id}}/events"]
)
@pytest.mark.parametrize("how", ["disable", "sign out", "another role"])
def test_a_stream_of_events_ends_when_its_listener_would_not_be_let_in_again(
    ann: Belongings, bob: Belongings, how: str, path: str
) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.ADMIN)
        session.get_one(Job, bob.ids["job_id"]).state = State.RUNNING
    told = []
    with ann.client().stream("GET", path.format(**bob.ids)) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told.append(line)
                take_away(ann, how=how)
                change(bob)
    assert len(told) == 1, "nothing is told of what came after"


def test_a_stream_ends_with_its_token(bob: Belongings) -> None:
    token, told = new_token("notifications:read"), 0
    headers = {"Authorization": f"Bearer {token.secret}"}
    path = f"/api/v1/users/{bob.user}/notifications/events"
    with anonymous().stream("GET", path, headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told += 1
                with transaction() as session:
                    revoke_token(session, name_or_id=token.id)
    assert told == 1


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    with observed_by(found.note):
        yield found


def recorded(recorder: Recorder) -> list[OperationRecord]:
    return [record_of(noted) for noted in recorder.take(at_most=100)]


def test_denials_and_what_an_administrator_looks_at_are_recorded(
    ann: Belongings, bob: Belongings, recorder: Recorder
) -> None:
    root = belongings.person("canary-root", Role.ADMIN)
    clients = ann.client(), root.client()
    recorder.take(at_most=100)
    for client in clients:
        for who in (ann, bob):
            client.get(f"/api/v1/users/{who.user}")
            client.get(f"{HOUSEHOLDS}/{who.ids['household_id']}/bills/{who.ids['bill_id']}")
        client.get("/api/v1/auth/me")
        client.get("/api/v1/products")
    client_for().get(f"/api/v1/users/{bob.user}")
    found = [(one.user_id, one.path, one.status) for one in recorded(recorder)]
    of_bob = (
        f"/api/v1/users/{bob.user}",
        f"{HOUSEHOLDS}/{bob.ids['household_id']}/bills/{bob.ids['bill_id']}",
    )
    of_ann = (
        f"/api/v1/users/{ann.user}",
        f"{HOUSEHOLDS}/{ann.ids['household_id']}/bills/{ann.ids['bill_id']}",
    )
    assert [one for one in found if one[0] == ann.user] == [(ann.user, path, 404) for path in of_bob]
    assert [one for one in found if one[0] == root.user] == [
        (root.user, path, 200) for path in (*of_ann, *of_bob)
    ]
    assert len(found) == 6
