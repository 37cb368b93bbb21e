"""A request that fails in a way that nobody foresaw is told of, and answered as without anybody who hears."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.api_client import new_token
from tests.checkout import ROOT
from tests.telemetry.receivers import receiving

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

#: Its API has a route that fails; prints how a request of it is answered.
PROGRAM = """
import sys
from starlette.testclient import TestClient
from app.api import create_app
api = create_app()
def fail(name: str) -> None:
    raise ValueError(f"{name} is not welcome, nor is {sys.argv[1]}")
api.add_api_route("/api/v1/failing/{name}", fail)
with TestClient(api, raise_server_exceptions=False) as client:
    asked = {"Authorization": f"Bearer {sys.argv[1]}", "X-Request-ID": "the-request"}
    print(client.get("/api/v1/failing/ann", headers=asked).text)
"""


@pytest.mark.databases("sqlite")
def test_it_reaches_both_with_its_route_and_its_id(database: Engine, configure: Callable[..., None]) -> None:
    token = new_token("*").secret
    with receiving() as collector, receiving() as sentry:
        configure(otel_endpoint=collector.url, sentry_dsn=f"{sentry.url.replace('//', '//key@')}/7")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, token], cwd=ROOT, capture_output=True, text=True, check=True
        )
        [event], [span] = sentry.events, [one for one in collector.spans if "failing" in one.name]
    assert json.loads(done.stdout.splitlines()[-1])["code"] == "internal_error"
    assert event["tags"] == {"request_id": "the-request", "route": "GET /api/v1/failing/{name}"}
    assert event["exception"]["values"][-1]["value"] == "ann is not welcome, nor is ***"
    assert span.name == "GET /api/v1/failing/{name}"
    assert (span.attributes["groundwork.request_id"], span.attributes["error.type"]) == (
        "the-request",
        "ValueError",
    )
    assert span.raw.status.code == span.raw.status.STATUS_CODE_ERROR
    assert not [body for _, _, body in (*collector.requests, *sentry.requests) if token.encode() in body]
