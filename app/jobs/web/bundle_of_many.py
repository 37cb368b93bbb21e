"""Everything that is known about many jobs as one document, to be handed on: written while it is sent.

It has so many jobs, so many bytes and so much time, and says in its end what it left out.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from app.db import outages
from app.errors import NotFound, Unavailable
from app.jobs.web.bundle import head_of, parts_of
from app.values.typed_json import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.jobs.web.bundle import Looking
    from app.tokens.callers import Caller

MAX_JOBS = 200
MAX_BYTES = 10_000_000
MAX_SECONDS = 20.0
#: A job's figures are those of its task, which are the same for the others.
BESIDES = ("statistics",)


def evidence_of_many(
    about: str,
    job_ids: Sequence[str],
    *,
    sections: Mapping[str, Any],
    looking: Looking,
    caller: Caller,
) -> Iterator[bytes]:
    """The document in parts: `sections`, then the jobs in their order, as far as `caller` may see them.

    What is asked before the first part is asked at once, so that what is wrong with it is raised here.
    """
    return _parts({**head_of(about, looking=looking), **sections}, job_ids, looking=looking, caller=caller)


def _parts(
    head: Mapping[str, Any], job_ids: Sequence[str], *, looking: Looking, caller: Caller
) -> Iterator[bytes]:
    began = time.monotonic()
    # The beginning of an object that goes on with its jobs.
    begin = _written(head)[:-1] + b', "jobs": ['
    yield begin
    size, number, left_out = len(begin), 0, ""
    for job_id in job_ids[:MAX_JOBS]:
        try:
            part = _written(_job(job_id, looking=looking, caller=caller))
        except outages.ERRORS as error:
            if not outages.is_transient(error):
                raise
            left_out = "the database does not answer"
            break
        if size + len(part) > MAX_BYTES or time.monotonic() - began > MAX_SECONDS:
            break
        yield b",\n" + part if number else b"\n" + part
        size, number = size + len(part), number + 1
    missing = len(job_ids) - number
    why = left_out or (
        f"one file has at most {MAX_JOBS} jobs and {MAX_BYTES:,} bytes, and is written within "
        f"{MAX_SECONDS:.0f} s; the newest come first"
    )
    said = f"{missing} of {len(job_ids)} jobs are not in here: {why}." if missing else None
    yield b'], "left_out": ' + _written(said) + b"}\n"


def _job(job_id: str, *, looking: Looking, caller: Caller) -> dict[str, Any]:
    try:
        return parts_of(job_id, looking=looking, caller=caller, besides=BESIDES)
    except (NotFound, Unavailable) as error:
        return {"job": {"id": job_id}, "left_out": str(error)}


def _written(value: Any) -> bytes:
    return json.dumps(shown(value), ensure_ascii=False).encode()
