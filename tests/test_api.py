"""The door of the API: who gets in, and what a stopped database or Redis means."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.api import create_app
from app.db.sessions import transaction
from app.domains.banking.api import WEBHOOK_PATH
from app.http.access import TRUSTED_FOR
from app.tokens.open_paths import header_verified_at, is_open_to_strangers
from app.tokens.scope import declare_scope, known_scopes
from app.tokens.service import revoke_token
from tests.api_client import anonymous, client_for, new_token
from tests.jobs import samples
from tests.servers import TEMPLATE, PostgresServer, free_port, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")

#: Any good token opens these.
DESCRIPTION = "/api/v1/openapi.json"
WITHOUT_SCOPE = {"/livez", "/readyz", DESCRIPTION}
NOTHING = declare_scope("tests:nothing", "Nothing at all.")
HELLO = {"task": samples.greet.name, "arguments": {"name": "Ada"}}


def all_routes() -> list[tuple[str, str]]:
    """Every method and path the API knows, with something in the place of parameters."""
    return sorted(
        (method, (route.path or "").replace("{", "").replace("}", ""))
        for route in iter_route_contexts(create_app().routes)
        for method in route.methods or ()
        if method != "HEAD"
    )


def test_the_walk_over_all_routes_sees_them() -> None:
    routes = all_routes()
    assert ("POST", "/api/v1/jobs") in routes
    assert {path for _, path in routes} > WITHOUT_SCOPE


#: Nobody has a token before these have given one.
OPEN = {
    "/api/v1/auth/sign-in",
    "/api/v1/auth/refresh",
    "/api/v1/auth/password-reset",
    "/api/v1/auth/password-reset/confirm",
    "/api/v1/auth/email/confirm",
    "/api/v1/users/register/confirm",
    "/api/v1/files",
    "/api/v1/marketplace/keys/check",
    "/api/v1/marketplace/keys/activate",
}
#: Whoever has a signed link needs no token; all others ask by POST.
FILES = "/api/v1/files"
#: Some settings let strangers in there.
PERHAPS_OPEN = {"/api/v1/users/register"}


def test_the_paths_open_to_strangers_are_these_alone(database: Engine) -> None:
    assert {path for _, path in all_routes() if is_open_to_strangers(path)} == OPEN
    for method, path in all_routes():
        if path in OPEN:
            answer = anonymous().request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), path
            token = client_for().request(method, path)
            assert token.json()["errors"] == answer.json()["errors"], "a token opens no more than none"
            assert anonymous().get(path).status_code == (422 if path == FILES else 405)


def test_no_other_route_answers_without_a_token(database: Engine) -> None:
    client = anonymous()
    for method, path in [*all_routes(), ("GET", "/"), ("GET", "/nowhere"), ("PUT", "/api/v1/jobs")]:
        if path in OPEN:
            continue
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_token"), path
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="groundwork"'


def test_no_route_reads_the_body_of_a_stranger(database: Engine) -> None:
    client = anonymous()
    for method, path in all_routes():
        answer = client.request(method, path, content=b"{" * 10_000_000 if method == "POST" else b"")
        assert answer.status_code == (422 if path == FILES else 413 if path in OPEN else 401)


def test_no_route_looks_at_the_body_of_whom_it_does_not_serve(database: Engine) -> None:
    client = client_for(NOTHING)
    for method, path in all_routes():
        if path in WITHOUT_SCOPE | OPEN or header_verified_at(path):
            continue
        answer = client.request(method, path, content=b'{"a": 1, "a": ' + b" " * 9_000_000)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), path


def test_a_websocket_is_refused_whoever_asks_for_it(database: Engine) -> None:
    client = client_for()
    for path in ("/", "/livez", "/api/v1/jobs", WEBHOOK_PATH):
        with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect(path):
            pass
        assert caught.value.code == 1008


def test_the_description_says_how_each_path_knows_its_callers(database: Engine) -> None:
    document = client_for().get("/api/v1/openapi.json").json()
    assert document["security"] == [{"token": []}]
    schemes = document["components"]["securitySchemes"]
    assert (schemes["token"]["type"], schemes["token"]["scheme"]) == ("http", "bearer")
    assert schemes["Plaid-Verification"] == {"type": "apiKey", "in": "header", "name": "Plaid-Verification"}
    own = {
        path: operation["security"]
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "security" in operation
    }
    assert own == {
        WEBHOOK_PATH: [{"Plaid-Verification": []}],
        "/api/v1/webhooks/slack": [{"X-Slack-Signature": []}],
        "/api/v1/webhooks/stripe": [{"Stripe-Signature": []}],
        **{path: [] for path in OPEN},
        **{path: [{"token": []}, {}] for path in PERHAPS_OPEN},
    }


def test_what_cannot_be_a_token_is_refused_without_the_database(
    configure: Callable[..., None], redis_url: str
) -> None:
    configure(database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none", redis_url=redis_url)
    for secret in ("", "x", "gw_" + "x" * 5_000, "gw_0123456789ab_", "gw_0123456789AB_" + "x" * 43):
        answer = anonymous().get("/api/v1/jobs", headers={"Authorization": f"Bearer {secret}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_every_route_but_the_probes_asks_for_a_scope_and_names_it(database: Engine) -> None:
    client = client_for(NOTHING)
    for method, path in all_routes():
        answer = client.request(method, path, json={} if method == "POST" else None)
        if path in WITHOUT_SCOPE:
            assert answer.status_code != 403
            continue
        if path in OPEN:
            continue
        if header_verified_at(path):
            assert answer.status_code == 401, "it asks for its header, whatever token comes"
            continue
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), path
        assert answer.json()["detail"].rstrip(".").split()[-1] in known_scopes()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic",
        "Basic !",
        "Token x",
        "Bearer gw_x",
        "Basic Og==",
        "Bearer " + "x" * 5000,
    ],
)
def test_a_malformed_token_is_refused(database: Engine, header: str) -> None:
    answer = anonymous().get("/livez", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_refused_within_a_second(database: Engine) -> None:
    token = new_token()
    client = anonymous()
    client.headers["Authorization"] = f"Bearer {token.secret}"
    assert client.get("/api/v1/tasks").status_code == 200
    with transaction() as session:
        revoke_token(session, name_or_id=token.id)
    began = time.monotonic()
    wait_until(lambda: client.get("/api/v1/tasks").status_code == 401, seconds=5, what="the token is refused")
    assert time.monotonic() - began < stretched(TRUSTED_FOR.total_seconds() + 0.5)


def test_a_browser_may_read_the_description_with_the_token_as_password(database: Engine) -> None:
    browser = anonymous()
    asked = browser.get(DESCRIPTION, headers={"Accept": "text/html,*/*"})
    assert 'Basic realm="groundwork"' in asked.headers["WWW-Authenticate"]
    password = base64.b64encode(f"me:{new_token().secret}".encode()).decode()
    browser.headers["Authorization"] = f"Basic {password}"
    assert browser.get("/docs").status_code == 404
    assert "/api/v1/jobs" in browser.get(DESCRIPTION).json()["paths"]


def test_a_browser_cannot_be_made_to_write(database: Engine) -> None:
    password = base64.b64encode(f"me:{new_token().secret}".encode()).decode()
    answer = anonymous().post("/api/v1/jobs", json=HELLO, headers={"Authorization": f"Basic {password}"})
    assert answer.status_code == 401


def test_a_ready_service_says_so(database: Engine) -> None:
    answer = client_for().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": "ok", "migrations": "ok", "redis": "ok"}


def test_a_database_of_another_release_is_named(database: Engine) -> None:
    client = client_for()
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "groundwork migrate" in answer.json()["checks"]["migrations"]


def test_without_redis_jobs_are_accepted_and_it_is_named(
    configure: Callable[..., None], database_url: str
) -> None:
    configure(database_url=database_url, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    client = client_for()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "redis" in answer.json()["detail"]
    assert answer.headers["Retry-After"]
    accepted = client.post("/api/v1/jobs", json=HELLO)
    assert accepted.status_code == 202
    assert client.get(accepted.headers["Location"]).json()["state"] == "ready"
    assert "groundwork_broker_up 0.0" in client.get("/metrics").text


@pytest.fixture
def own_postgres(
    configure: Callable[..., None], postgres_data: Path, redis_url: str
) -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop."""
    server = PostgresServer()
    server.start(copy_of=postgres_data)
    configure(database_url=server.url(TEMPLATE), redis_url=redis_url)
    yield server
    server.close()


def test_without_the_database_the_process_lives_and_everything_else_waits(
    own_postgres: PostgresServer,
) -> None:
    client = client_for()
    assert client.post("/api/v1/jobs", json=HELLO).status_code == 202
    own_postgres.close()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json()["checks"]["database"] == "no connection"
    for answer in (
        client.get("/api/v1/jobs"),
        client.post("/api/v1/jobs", json=HELLO),
        client.get("/metrics"),
        anonymous().get("/livez", headers={"Authorization": f"Bearer gw_{'0' * 12}_{'x' * 43}"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"]
        assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 401),
        ("127.0.0.1", {"Authorization": "Bearer gw_x"}, 401),
        ("203.0.113.9", {}, 401),
        ("not-an-address", {}, 401),
    ],
)
def test_a_sign_of_life_needs_no_token_on_loopback(
    database: Engine, client: str, headers: dict[str, str], status: int
) -> None:
    asking = TestClient(create_app(), client=(client, 4711))
    assert asking.get("/livez", headers=headers).status_code == status
    for path in ("/readyz", "/livez/", "/metrics", "/api/v1/tasks"):
        assert asking.get(path, headers=headers).status_code == 401
    assert asking.post("/livez", headers=headers).status_code == 401


def test_a_setting_opens_the_sign_of_life_to_load_balancers(
    database: Engine, configure: Callable[..., None]
) -> None:
    asking = TestClient(create_app(), client=("203.0.113.9", 4711))
    assert asking.get("/livez").status_code == 401
    configure(livez_open="true")
    assert (asking.get("/livez").status_code, asking.get("/livez").json()) == (200, {"status": "ok"})
    assert asking.get("/readyz").status_code == 401
