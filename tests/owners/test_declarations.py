"""Each route says whose data it reads or changes."""

from __future__ import annotations

import re

import pytest

from app.api import app
from app.jobs.declaration import registry
from app.tokens.callers import (
    UNDECLARED,
)
from app.tokens.scope import is_personal
from tests.owners.routes import routes

pytestmark = pytest.mark.databases("sqlite")

#: What is done to people by those whose role has the scope.
DONE_TO_PEOPLE = {
    ("POST", "/api/v1/notify"),
    ("POST", "/api/v1/users/register"),
    ("POST", "/api/v1/users/{user_id}/notifications"),
}


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
    nobodys = {
        "alerts.deliver_alert",
        "bulk.go_on",
        "catalog:write",
        "pricing:write",
        "sales:report",
        "usage:write",
    }
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
