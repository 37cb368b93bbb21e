"""User agents are read, and none takes long."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.domains.audit.user_agents import Agent, agent_of
from tests.checkout import ROOT

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.1 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (SAFARI, Agent(browser="Mobile Safari 17", os="iOS 17.1", device="iPhone")),
        ("curl/8.1.2", Agent(browser="curl 8")),
        ("", Agent()),
        (None, Agent()),
        ("nobody knows me", Agent()),
        ("браузер \U0001f600", Agent()),
    ],
)
def test_a_user_agent_is_read_as_far_as_it_is_known(text: str | None, agent: Agent) -> None:
    assert agent_of(text) == agent


@pytest.mark.parametrize(
    "part", ["a", "a;", "Mozilla/5.0 (", "Windows NT ", "; ", "SM-", "(((((", "Android 1.1; ", "\t", "AAAA/"]
)
def test_a_hostile_one_is_read_as_well(part: str) -> None:
    # Against a matcher that backtracks, these take minutes; the suite's limit on a hang is the judge.
    agent_of(part * (50_000 // len(part)))


def test_its_patterns_are_not_loaded_by_those_who_only_know_the_tasks() -> None:
    program = "import sys, app.domains.audit.tasks, app.domains.audit.api; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "ua_parser" not in loaded.stdout.split()
