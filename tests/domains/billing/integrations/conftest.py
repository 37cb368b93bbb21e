from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.domains.billing.integrations.sides import (
    google_side,
    graph_side,
    point_at_google,
    point_at_graph,
    point_at_slack,
)
from tests.fakes.google import GoogleServer
from tests.fakes.graph import GraphServer
from tests.fakes.slack import SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.domains.billing.integrations.sides import Side


@pytest.fixture
def google(configure: Callable[..., None]) -> Iterator[GoogleServer]:
    """A Google of the test's own that the settings name."""
    server: GoogleServer = GoogleServer().start()
    configure(**point_at_google(server))
    yield server
    server.close()


@pytest.fixture
def graph(configure: Callable[..., None]) -> Iterator[GraphServer]:
    """A Microsoft of the test's own that the settings name."""
    server: GraphServer = GraphServer().start()
    configure(**point_at_graph(server))
    yield server
    server.close()


@pytest.fixture
def slack(configure: Callable[..., None]) -> Iterator[SlackServer]:
    """A Slack of the test's own that the settings name."""
    server: SlackServer = SlackServer().start()
    configure(**point_at_slack(server))
    yield server
    server.close()


@pytest.fixture(params=["google", "graph"])
def side(request: pytest.FixtureRequest) -> Side:
    """Each calendar in turn."""
    server = request.getfixturevalue(request.param)
    return google_side(server) if request.param == "google" else graph_side(server)
