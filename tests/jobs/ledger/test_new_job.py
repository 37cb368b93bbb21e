"""A job's columns have one source: who adds one to a table or to a message is told what is missing."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql

from app.jobs.ledger.inserting import TYPES
from app.jobs.ledger.models import Job
from app.jobs.ledger.new_job import SET_WHEN_ACCEPTED, STORED_AS_GIVEN, NewJob
from app.jobs.publish.message import Dispatch
from app.jobs.views import JobDetail

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy types it not
COLUMNS = Job.__table__.columns
#: How PostgreSQL's types are called in full.
FULL_NAMES = {"int": "INTEGER", "timestamptz": "TIMESTAMP WITH TIME ZONE"}
#: Columns that a person sees under another name, or that say nothing to one.
NOT_SHOWN = {
    "args",
    "kwargs",
    "options",
    "key",
    "digest",
    "partition",
    "published_at",
    "lease_until",
    "fence",
}


def test_accepting_writes_each_column_once_and_each_that_must_not_be_null() -> None:
    written = [*STORED_AS_GIVEN, *SET_WHEN_ACCEPTED]
    assert len(written) == len(set(written))
    assert set(written) <= set(COLUMNS.keys())
    assert {column.name for column in COLUMNS if not column.nullable} <= set(written)


def test_each_field_of_a_new_job_is_sent_to_postgresql_as_its_columns_type() -> None:
    # The values of a batch are sent in the order of the fields.
    assert (*TYPES, "unique", "search", "fresh") == NewJob._fields
    for name in TYPES.keys() & set(COLUMNS.keys()):
        stored_as = COLUMNS[name].type.compile(DIALECT)
        assert FULL_NAMES.get(TYPES[name], TYPES[name].upper()) == stored_as


def test_a_message_begins_with_the_fields_of_the_new_job() -> None:
    numbered = NewJob(*range(len(NewJob._fields)))
    message = Dispatch.first(numbered, expires="later", published=1.5)
    in_common = {name for name in Dispatch._fields if name in NewJob._fields}
    assert {name: getattr(message, name) for name in in_common} == {
        name: getattr(numbered, name) for name in in_common
    }
    assert (message.attempt, message.expires, message.published) == (0, "later", 1.5)


def test_whoever_looks_at_a_job_sees_every_column_that_is_not_hidden_on_purpose() -> None:
    assert set(COLUMNS.keys()) - NOT_SHOWN == JobDetail.model_fields.keys() & set(COLUMNS.keys())


def test_what_a_row_made_in_advance_is_given_are_columns() -> None:
    job = NewJob(id="one", task="sample.add", queue="default", priority=6, args="[1]", options='{"a": 1}')
    assert job.work().keys() <= set(COLUMNS.keys())
    assert (job.work()["args"], job.work()["options"]) == ([1], {"a": 1})
