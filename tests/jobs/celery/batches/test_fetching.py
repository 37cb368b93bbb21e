"""Only what is surely the message of a task that is due waits in a worker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.jobs.celery.batches.fetching import as_fetched

HEADERS = {"id": "job", "task": "sample.add", "retries": 0, "ledger": True}
PROPERTIES = {"delivery_tag": "tag", "delivery_info": {"exchange": "", "routing_key": "default"}}
GOOD = {"headers": HEADERS, "properties": PROPERTIES, "body": ""}


def read(document: Any) -> Any:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return as_fetched(raw, queue="default", place="default", tasks={"sample.add"})


def with_header(name: str, value: Any) -> dict[str, Any]:
    return GOOD | {"headers": HEADERS | {name: value}}


@pytest.mark.parametrize("is_ledgered", [True, False])
def test_a_message_is_what_its_headers_say(is_ledgered: bool) -> None:
    found = read(GOOD | {"headers": HEADERS | {"retries": 3, "ledger": is_ledgered}})
    assert (found.id, found.attempt, found.is_ledgered, found.claim) == ("job", 3, is_ledgered, None)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"null", b"[]", b'"x"', b"{", b"[" * 5000, b"NaN"])
def test_garbage_is_left_to_who_quarantines_it(raw: bytes) -> None:
    assert read(raw) is None


@pytest.mark.parametrize("job_id", ["", "a\x00b", "\ud800", "x" * 201, None, 1, True, ["job"], {"a": 1}])
def test_an_id_that_names_no_row_is_not_claimed(job_id: Any) -> None:
    assert read(with_header("id", job_id)) is None


@pytest.mark.parametrize("attempt", [-1, 2**31, 2**70, True, None, "1", 1.5, []])
def test_an_attempt_that_is_no_number_of_one_is_not_claimed(attempt: Any) -> None:
    assert read(with_header("retries", attempt)) is None


@pytest.mark.parametrize("task", ["sample.of_a_newer_release", "", None, ["sample.add"]])
def test_the_job_of_an_unknown_task_is_not_claimed(task: Any) -> None:
    assert read(with_header("task", task)) is None


def test_what_is_not_due_is_left_to_celery() -> None:
    assert read(with_header("eta", "2026-01-01T00:00:00+00:00")) is None


@pytest.mark.parametrize(
    "properties",
    [
        None,
        [],
        {},
        PROPERTIES | {"delivery_tag": 1},
        PROPERTIES | {"delivery_info": None},
        PROPERTIES | {"delivery_info": {"exchange": 1, "routing_key": "default"}},
    ],
)
def test_a_message_without_a_way_back_is_left_to_celery(properties: Any) -> None:
    assert read(GOOD | {"properties": properties}) is None
