"""Edits of schedules by a form: seen before they are saved, saved once, written down, and taken back."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.accounts.roles import Role
from app.domains.audit.service import OPERATION_TASK
from app.jobs.ledger.models import Job
from app.schedule import defaults, service
from app.schedule.views import ScheduleDraft
from tests.console.browser import HERE, signed_in

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from app.schedule.models import ScheduleEntry

pytestmark = pytest.mark.databases("sqlite")
NAME, TASK = "nightly", "pricing.recompute_all_discounts"
DECLARED = "pricing.cleanup_expired_discounts"
PLACE = f"/console/schedules/{NAME}"
REASON = "The bank is slow at two."


@pytest.fixture(autouse=True)
def schedule(database: Engine) -> None:
    with transaction() as session:
        draft = {"name": NAME, "task": TASK, "cron": "0 2 * * *", "success_within_seconds": 90_000}
        service.create(session, ScheduleDraft.model_validate(draft))


def entry(name: str = NAME) -> ScheduleEntry:
    with reading() as session:
        return service.find(session, name)


def fields(page: str, *, of: str) -> dict[str, str]:
    """What the form of a page that is sent there holds."""
    form = page.partition(f'action="{of}"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input[^>]*? name="(\w+)" value="([^"]*)"', form))
    found |= dict(re.findall(r'<select name="(\w+)">.*?<option value="(\w+)" selected', form))
    return {name: unescape(value) for name, value in found.items()}


def form(client: TestClient, **typed: str) -> dict[str, str]:
    """The form of the edit page, with something else typed."""
    return fields(client.get(f"{PLACE}/edit").text, of=f"{PLACE}/edit") | typed


def post(client: TestClient, act: str, data: dict[str, str], *, place: str = PLACE) -> Response:
    answer: Response = client.post(f"{place}/{act}", data=data, headers=HERE)
    return answer


def sentence(answer: Response) -> str:
    (found,) = re.findall(r'<p role="alert"[^>]*>([^<]*)</p>', answer.text)
    return unescape(found)


def written_down() -> list[dict[str, Any]]:
    with reading() as session:
        written = session.scalars(select(Job.kwargs).where(Job.task == OPERATION_TASK)).all()
    records = [record for kwargs in written for record in kwargs["records"]]
    return [record for record in records if record["method"] == "JOB" and "schedules" in record["path"]]


def test_what_is_saved_is_what_was_shown_once_and_with_its_reason(database: Engine) -> None:
    client = signed_in()
    shown = post(client, "edit", form(client, cron="30 3 * * *", timezone="Europe/Berlin", overlap="skip"))
    assert shown.status_code == 200
    assert len(re.findall(r"<td>[\d-]+ 03:30:00 \+0[12]00</td>", shown.text)) == 10
    assert ": 7 in the next 7 days" in shown.text
    assert entry().cron == "0 2 * * *"
    save = fields(shown.text, of=f"{PLACE}/change") | {"reason": REASON}
    for _ in range(2):
        answer = post(client, "change", save)
        assert (answer.status_code, answer.headers["Location"]) == (303, PLACE)
    assert (entry().cron, entry().timezone, entry().overlap) == ("30 3 * * *", "Europe/Berlin", "skip")
    assert entry().success_within_seconds == 90_000
    assert [(one["title"], one["path"], one["arguments"]) for one in written_down()] == [
        (
            "Change a schedule",
            f"{PLACE}/change",
            {
                "reason": REASON,
                "before": {"timezone": "UTC", "cron": "0 2 * * *", "overlap": "allow"},
                "after": {"timezone": "Europe/Berlin", "cron": "30 3 * * *", "overlap": "skip"},
            },
        )
    ]


def test_the_form_holds_what_the_schedule_is(database: Engine) -> None:
    with transaction() as session:
        draft = {"name": "b", "task": TASK, "every_seconds": 5_400, "jitter_seconds": 60}
        more = {
            "starts_at": "2026-01-31T08:00:00Z",
            "ends_at": "2035-01-31T08:00:00.500000Z",
            "misfire": "all",
        }
        service.create(session, ScheduleDraft.model_validate(draft | more))
    client, before = signed_in(), entry("b")
    found = fields(client.get("/console/schedules/b/edit").text, of="/console/schedules/b/edit")
    assert (found["every"], found["jitter"], found["cron"]) == ("90min", "1min", "")
    answer = post(client, "change", found | {"reason": REASON}, place="/console/schedules/b")
    assert answer.status_code == 303
    assert entry("b").version == before.version
    assert written_down() == []


def test_of_two_operators_the_second_is_told_and_nothing_is_lost(database: Engine) -> None:
    first, second = signed_in(), signed_in(Role.ADMIN)
    theirs = form(second, cron="0 4 * * *", reason=REASON)
    assert post(first, "change", form(first, cron="0 3 * * *", reason=REASON)).status_code == 303
    answer = post(second, "change", theirs)
    assert answer.status_code == 409
    assert "was changed since it was shown" in answer.text
    assert entry().cron == "0 3 * * *"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"cron": ""}, "nothing of it is given. Give one"),
        ({"every": "5min"}, "cron and every_seconds are given. Give one"),
        ({"cron": "nonsense"}, "it has 1 fields. It takes five fields"),
        ({"cron": "* * * * * *"}, "it has 6 fields. It takes five fields"),
        ({"cron": "0 0 30 2 *"}, "is not usable"),
        ({"cron": "60 2 * * *"}, "is not usable"),
        ({"cron": "٣ 2 * * *"}, "is not usable"),
        ({"cron": "\x00 2 * * *"}, "is not usable"),
        ({"cron": "*" * 10_000}, "cron: String should have at most 200 characters"),
        ({"cron": "", "every": "0s"}, "every_seconds: Input should be greater than or equal to 1"),
        ({"cron": "", "every": "٣min"}, "is not a duration. Give a number and one of s, min, h, d, w"),
        ({"cron": "", "every": "9" * 10_000}, '…" is not a duration'),
        ({"cron": "", "every": "999999w"}, "is more than 36500 days, which is the most"),
        ({"cron": "", "every": "4000d"}, "every_seconds: Input should be less than or equal to"),
        ({"cron": "", "at": "2026-02-30T00:00"}, "at: Give a time of UTC that there is"),
        ({"cron": "", "at": "tomorrow"}, "at: Give a time of UTC that there is"),
        ({"cron": "", "at": "2001-01-01T00:00"}, "is not within 3660 days of now"),
        ({"cron": "", "at": "2026-01-01T00:00"}, "would never fire"),
        ({"ends_at": "9999-12-31T23:59"}, "is not within 3660 days of now. Give a nearer one"),
        ({"starts_at": "0000-01-01T00:00"}, "starts_at: Give a time of UTC that there is"),
        ({"starts_at": "2030-01-02T00:00", "ends_at": "2030-01-01T00:00"}, "ends_at is before starts_at"),
        ({"timezone": "Europe/Berln"}, 'There is no time zone "Europe/Berln". Did you mean "Europe/Berlin"?'),
        ({"timezone": "../../etc/passwd"}, "There is no time zone"),
        ({"timezone": "x" * 10_000}, "timezone: String should have at most 64 characters"),
        ({"overlap": "often"}, "overlap: Input should be"),
        ({"grace": "-1s"}, "is not a duration"),
        ({"jitter": "nan"}, "is not a duration"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_beside_what_was_typed(
    database: Engine, typed: dict[str, str], said: str
) -> None:
    client = signed_in()
    whole = form(client, reason=REASON, **typed)
    for act in ("edit", "change"):
        answer = post(client, act, whole)
        assert answer.status_code == 422
        assert said in sentence(answer)
        assert len(sentence(answer)) < 500
        assert "Save what is shown" not in answer.text
    # What was typed is still there to be mended; of a list, another member is chosen.
    value, *_ = typed.values()
    assert value in unescape(answer.text) or {"\x00", "often"} & {value[:1], value}
    assert entry().cron == "0 2 * * *"
    assert written_down() == []


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "two\nlines", "\u202e"])
def test_without_a_reason_nothing_is_saved_and_what_was_typed_stays(database: Engine, reason: str) -> None:
    client = signed_in()
    answer = post(client, "change", form(client, cron="0 3 * * *", reason=reason))
    assert answer.status_code == 422
    assert "Nothing was done" in sentence(answer)
    assert fields(answer.text, of=f"{PLACE}/change")["cron"] == "0 3 * * *"
    assert entry().cron == "0 2 * * *"


def test_more_than_one_a_minute_is_asked_about(database: Engine) -> None:
    client = signed_in()
    page = post(client, "edit", form(client, cron="", every="1s")).text
    assert "604,800 in the next 7 days" in page
    assert "That is more than one a minute" in page
    assert "more than one a minute" not in post(client, "edit", form(client, cron="* * * * *")).text


def test_edits_are_taken_back_once_with_a_reason(database: Engine) -> None:
    place = f"/console/schedules/{DECLARED}"
    with transaction() as session:
        defaults.seed(session)
    client, before = signed_in(), entry(DECLARED)
    assert "Take the edits back" not in client.get(place).text
    typed = fields(client.get(f"{place}/edit").text, of=f"{place}/edit")
    typed |= {"cron": "7 7 * * *", "every": "", "reason": REASON}
    assert post(client, "change", typed, place=place).status_code == 303
    page = client.get(place).text
    assert before.rule.describe() in page
    back = fields(page, of=f"{place}/reset")
    assert post(client, "reset", back | {"reason": ""}, place=place).status_code == 422
    for _ in range(2):
        assert post(client, "reset", back | {"reason": REASON}, place=place).status_code == 303
    assert (entry(DECLARED).edited, entry(DECLARED).cron) == (False, before.cron)
    assert [one["title"] for one in written_down()] == [
        "Change a schedule",
        "Take back the edits of a schedule",
    ]
    assert written_down()[1]["arguments"]["before"]["cron"] == "7 7 * * *"


@pytest.mark.parametrize("act", ["edit", "change", "reset"])
def test_a_viewer_edits_nothing(database: Engine, act: str) -> None:
    data = {"version": "1", "cron": "0 3 * * *", "reason": REASON}
    assert post(signed_in(Role.VIEWER), act, data).status_code == 403
    assert entry().cron == "0 2 * * *"


@pytest.mark.parametrize("version", ["", "-1", "٣", "9" * 30])
def test_a_form_that_no_page_has_does_nothing(database: Engine, version: str) -> None:
    client = signed_in()
    for act in ("edit", "change", "reset"):
        answer = post(client, act, {"version": version, "cron": "0 3 * * *", "reason": REASON})
        assert answer.status_code == 422
    assert entry().cron == "0 2 * * *"


def test_one_that_is_not_there_is_said(database: Engine) -> None:
    assert signed_in().get("/console/schedules/nobody/edit").status_code == 404
    assert (
        post(signed_in(Role.ADMIN), "edit", {"version": "1"}, place="/console/schedules/nobody").status_code
        == 404
    )
