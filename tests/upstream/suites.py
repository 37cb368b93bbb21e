"""Which tests are run, and with what of ours in the place of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STOCK = "stock"
#: Parts by the name of a run; see `in_place`.
TRANSPORT = {"ours": ("transport",)}
WORKER = {
    "processes": ("transport", "processes"),
    "claims ahead": ("transport", "processes", "ahead"),
    "threads": ("transport", "threads", "ahead"),
}


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Some files of a library's tests."""

    name: str
    library: str
    files: tuple[str, ...]
    ours: Mapping[str, tuple[str, ...]]
    plugins: tuple[str, ...] = ()
    #: By words in their names.
    left_out: tuple[str, ...] = ()

    def parts(self, run: str) -> tuple[str, ...]:
        """What of ours is in place in a run."""
        return () if run == STOCK else self.ours[run]


def _celery(name: str, *files: str, left_out: tuple[str, ...] = ()) -> Suite:
    return Suite(
        name=f"celery {name}",
        library="celery",
        files=tuple(f"t/integration/test_{file}.py" for file in files),
        ours=WORKER,
        plugins=("celery.contrib.pytest",),
        left_out=left_out,
    )


#: Other files of these folders are about other brokers, about stores of results, or about Django.
SUITES = (
    Suite(
        name="kombu unit",
        library="kombu",
        files=("t/unit/transport/test_redis.py", "t/unit/transport/virtual"),
        ours=TRANSPORT,
    ),
    Suite(
        name="kombu redis",
        library="kombu",
        files=("t/integration/test_redis.py", "t/integration/test_redis_brpop_qos.py"),
        ours=TRANSPORT,
    ),
    _celery("tasks", "tasks", "inspect", "worker", "connection_recovery", left_out=("django",)),
    _celery("canvas", "canvas", "group_chains"),
)
