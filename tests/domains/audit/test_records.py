"""Records fit both databases, and their ids sort by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.db.far_times import FAR
from app.domains.audit.facts import LoginStatus
from app.domains.audit.records import LoginRecord, OperationRecord, first_id, moment, new_id

SECOND = 10**9


def test_ids_sort_by_time_and_differ_within_a_moment() -> None:
    ids = [new_id(at=number * SECOND // 100) for number in range(1_000)]
    assert ids == sorted(ids)
    assert len({new_id(at=SECOND) for _ in range(100)}) == 100


@pytest.mark.parametrize("at", [0, 1, 1_795_832_559_170_999_999, 1_795_832_559_171_000_000])
def test_an_id_is_not_below_the_first_of_its_moment(at: int) -> None:
    then = moment(at)
    assert first_id(then) <= new_id(at=at) < first_id(then + timedelta(milliseconds=1))


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), FAR])
def test_the_ends_of_time_have_a_first_id(at: datetime) -> None:
    assert first_id(at).int >= 0


def test_text_is_cut_and_cleaned() -> None:
    kept = OperationRecord(
        id=new_id(at=SECOND),
        at=moment(SECOND),
        path="/" + "字" * 10_000,
        user_agent="\x00\ud800" + "x" * 1_000_000,
        method="POST",
    )
    assert len(kept.path) == 500
    assert kept.user_agent == "??" + "x" * 498
    kept.model_dump_json().encode()


def test_a_record_is_the_same_after_its_way_through_json() -> None:
    kept = LoginRecord(id=new_id(at=SECOND), at=moment(SECOND), status=LoginStatus.FAILURE, user_name="Zoë")
    assert LoginRecord.model_validate(kept.model_dump(mode="json")) == kept
