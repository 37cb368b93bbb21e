"""What pages that stay open cost: a look for all who see the same, and few rows of the audit log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from app.console import live
from app.domains.accounts.roles import Role
from app.domains.audit.recording.recorder import Recorder
from app.http.observing import observed_by
from tests.console.browser import signed_in

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")
OPENED: dict[str, Any] = {"type": "http", "method": "GET", "headers": []}
STAYS_OPEN = OPENED | {"headers": [(live.HEADER, b"1")]}
QUARANTINE, AGAIN = "/console/quarantine", "/console/jobs/some/again"
BY_ITSELF = {"Groundwork-Live": "1"}


class Looks:
    """Counts how often somebody looked, and with what."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, *, what: str = "") -> str:
        self.asked.append(what)
        if what == "nothing":
            raise LookupError(what)
        return f"{what} {len(self.asked)}"


def test_pages_that_stay_open_share_a_look_and_whoever_opens_one_sees_what_is_so_now(
    database: Engine,
) -> None:
    look = Looks()
    assert live.shared(STAYS_OPEN, look, what="a") == "a 1"
    assert live.shared(STAYS_OPEN, look, what="a") == "a 1"
    assert live.shared(STAYS_OPEN, look, what="b") == "b 2"
    assert live.shared(OPENED, look, what="a") == "a 3"
    assert live.shared(STAYS_OPEN, look, what="a") == "a 3"
    assert live.shared(STAYS_OPEN | {"method": "POST"}, look, what="a") == "a 4"


def test_a_look_is_good_for_a_moment(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Looks()
    live.shared(STAYS_OPEN, look)
    monkeypatch.setattr(live, "LASTS", timedelta(0))
    live.shared(STAYS_OPEN, look)
    assert len(look.asked) == 2


def test_those_who_look_at_once_share_what_went_wrong_too(database: Engine) -> None:
    look, together = Looks(), Barrier(8)

    def ask() -> str:
        together.wait()
        with pytest.raises(LookupError):
            live.shared(STAYS_OPEN, look, what="nothing")
        return "refused"

    with ThreadPoolExecutor(8) as viewers:
        assert [each.result() for each in [viewers.submit(ask) for _ in range(8)]] == ["refused"] * 8
    assert look.asked == ["nothing"]


def test_few_different_looks_are_kept(database: Engine) -> None:
    look = Looks()
    for number in range(live.MAX_LOOKS + 1):
        live.shared(STAYS_OPEN, look, what=str(number))
    live.shared(STAYS_OPEN, look, what="0")
    assert len(look.asked) == live.MAX_LOOKS + 2


def test_a_page_that_stays_open_is_recorded_once_and_not_at_each_look(database: Engine) -> None:
    recorder, admin = Recorder(), signed_in(Role.ADMIN)
    with observed_by(recorder.note):
        admin.get(QUARANTINE, headers=BY_ITSELF)
        assert len(recorder) == 1  # a header keeps nobody from being recorded
        for _ in range(3):
            admin.get(QUARANTINE, headers=BY_ITSELF)
        assert len(recorder) == 1
        admin.get(QUARANTINE)
        admin.get(f"{QUARANTINE}?other", headers=BY_ITSELF)
        assert len(recorder) == 3


def test_what_is_refused_is_recorded_whoever_asks(database: Engine) -> None:
    recorder, viewer = Recorder(), signed_in(Role.VIEWER)
    with observed_by(recorder.note):
        for _ in range(2):
            assert viewer.get(AGAIN, headers=BY_ITSELF).status_code == 403
    assert len(recorder) == 2
