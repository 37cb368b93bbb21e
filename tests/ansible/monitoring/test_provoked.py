"""A real Prometheus that asks a real API: nothing fires while all is well, and then what is wrong does."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from sqlalchemy import delete, update

from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, JobStat, Outcome, State, Worker
from app.jobs.pauses.models import QueuePause
from app.jobs.statistics.sums import ATTEMPT, FINISHED, WAIT
from app.jobs.transitions.rollup import WATERMARK
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.models import DeliveryState
from app.schedule import service as schedules
from app.schedule.leader import BEAT, lead, resign
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from app.settings.config import settings
from app.topology import POOLS
from tests.ansible.monitoring.test_rules import ROOT, alerts_of_pools
from tests.api_client import new_token
from tests.http.test_gunicorn_worker import running
from tests.jobs import samples
from tests.servers import RedisServer, folder_in_memory, free_port, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Of the beat that leads, and says so again and again.
HOLDER = "here#1"
TASK, QUEUE = samples.greet.name, "maintenance"
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(hours=2)
#: All that is about the service, but for what takes a day to show, or a second kind of value in quarantine.
ELSEWHERE = {"TaskSlower", "PutAside", "NoMetrics", "Watchdog"}


@contextmanager
def prometheus(folder: Path, *, api: int) -> Iterator[httpx.Client]:
    """One with our rules, which waits for nothing before it says that an alert fires."""
    port = free_port()
    (folder / "service.yml").write_text(_at_once((ROOT / "ansible/monitoring/service.yml").read_text()))
    (folder / "pools.yml").write_text(_at_once(alerts_of_pools().stdout))
    token = folder / "token"
    token.touch(0o600)
    token.write_text(new_token("metrics:read").secret)
    scraped = {
        "job_name": "groundwork",
        "authorization": {"credentials_file": str(token)},
        "static_configs": [{"targets": [f"127.0.0.1:{api}"]}],
    }
    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
        "rule_files": ["*.yml"],
        "scrape_configs": [scraped],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yaml",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_until(lambda: is_ready(client), seconds=20, what="Prometheus is ready")
            yield client
    finally:
        stop(process)


def is_ready(client: httpx.Client) -> bool:
    """Whether it answers; until it has read its files it says that it does not."""
    try:
        return client.get("/-/ready").is_success
    except httpx.TransportError:
        return False


def _at_once(rules: str) -> str:
    read = yaml.safe_load(rules)
    for group in read["groups"]:
        group["rules"] = [
            {name: value for name, value in rule.items() if name != "for"} for rule in group["rules"]
        ]
    return yaml.safe_dump(read)


def firing(client: httpx.Client) -> set[str]:
    """The alerts that fire; nothing before the service was asked twice."""
    asked = client.get("/api/v1/query", params={"query": 'count_over_time(up{job="groundwork"}[1h]) > 1'})
    if not asked.json()["data"]["result"]:
        return set()
    found = client.get("/api/v1/alerts").json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}


def is_well() -> None:
    """Workers in each pool, a beat, a schedule in time, and finished work."""
    with transaction() as session:
        for pool in POOLS:
            session.add(_worker(pool.name, release=settings().release))
        draft = {"name": "nightly", "task": TASK, "arguments": {"name": "ann"}, "every_seconds": 3600}
        draft |= {"success_within_seconds": 7200}
        schedules.create(session, ScheduleDraft.model_validate(draft))
        session.add_all(_stats(count=100))
        session.add(_stat(WATERMARK, "", count=int(NOW.timestamp() * 1_000_000), task="", queue=""))
    assert lead(BEAT, holder=HOLDER)


def is_not() -> None:
    """All of that goes wrong."""
    resign(BEAT, holder=HOLDER)
    with transaction() as session:
        session.execute(delete(Worker).where(Worker.node != "standard@here"))
        session.add(_worker("standard", release="before"))
        jobs = [new_job(TASK, kwargs={"name": str(number)}) for number in range(2)]
        dead, _ = (answer.id for answer in accept(session, jobs))
        session.execute(update(Job).values(run_at=LONG_AGO, published_at=None))
        session.execute(update(Job).where(Job.id == dead).values(state=State.DEAD, finished_at=clock()))
        forgotten = {"since": clock(-5 * 3600), "reason": "x", "paused_by": "ann"}
        session.add(QueuePause(queue="emails", **forgotten))
        session.execute(delete(JobStat))
        session.add_all(_stats(count=300))
        old = int(LONG_AGO.timestamp() * 1_000_000)
        session.add(_stat(WATERMARK, "", count=old, task="", queue=""))
        for number, state in enumerate((DeliveryState.UNCERTAIN, DeliveryState.SENDING)):
            outgoing = deliveries.Outgoing(
                key=str(number), channel="email", recipient="ann", subject="Hello", content={}
            )
            deliveries.prepare(session, outgoing).state = state
        wrong = {"next_at": LONG_AGO, "problem": "There is no such task.", "overdue_since": LONG_AGO}
        session.execute(update(ScheduleEntry).values(wrong))
        missed = {"moment": LONG_AGO, "fired_at": datetime.now(UTC), "outcome": RunOutcome.MISSED}
        session.add(ScheduleRun(schedule="nightly", **missed))


def _worker(pool: str, *, release: str) -> Worker:
    return Worker(
        name=f"{pool}@here#{release}",
        node=f"{pool}@here",
        release=release,
        concurrency=1,
        started_at=NOW,
        # It does not fall silent while this goes on.
        seen_at=NOW + timedelta(hours=1),
    )


def _stats(*, count: int) -> list[JobStat]:
    return [
        _stat(FINISHED, State.DEAD, count=count),
        _stat(ATTEMPT, Outcome.FAILED, count=count),
        _stat(ATTEMPT, Outcome.LOST, count=count),
        *(_stat(WAIT, "inf", count=count, queue=queue) for queue in ("emails", QUEUE)),
    ]


def _stat(kind: str, bucket: str, *, count: int, task: str = TASK, queue: str = "emails") -> JobStat:
    return JobStat(task=task, queue=queue, kind=kind, bucket=bucket, count=count, seconds=0.0)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis that the test may end."""
    server = RedisServer(folder=folder_in_memory("groundwork-redis-"))
    server.start()
    yield server
    server.close()


def alerts_of_the_service() -> set[str]:
    """All that a service can be wrong in."""
    texts = ((ROOT / "ansible/monitoring/service.yml").read_text(), alerts_of_pools().stdout)
    groups: list[dict[str, Any]] = [group for text in texts for group in yaml.safe_load(text)["groups"]]
    return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.mark.databases("sqlite")
@pytest.mark.usefixtures("database")
def test_each_alert_fires_when_something_is_wrong_and_none_while_all_is_well(
    tmp_path: Path, database_url: str, own_redis: RedisServer
) -> None:
    is_well()
    with (
        running(tmp_path, database_url=database_url, redis_url=own_redis.url) as api,
        prometheus(tmp_path, api=api.port) as client,
    ):
        fire_until(lambda: {"Watchdog"} ^ (firing(client) if lead(BEAT, holder=HOLDER) else set()))
        is_not()
        own_redis.kill()
        fire_until(lambda: alerts_of_the_service() - ELSEWHERE - firing(client))
        stop(api.process)
        fire_until(lambda: {"NoMetrics"} - firing(client))


def fire_until(left: Callable[[], set[str]]) -> None:
    """Wait until no alert is left that fires and should not, or does not and should."""
    try:
        wait_until(lambda: not left(), seconds=20, what="the alerts are as they should be")
    except AssertionError as error:
        raise AssertionError(f"Not as they should be: {sorted(left())}") from error
