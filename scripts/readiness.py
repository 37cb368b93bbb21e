"""Asks each part of the running service whether it does its work yet."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fleet import FLOWER, processes, runs_flower
from local_settings import LOGS, starts_redis
from packages import SetupFailed

from app import topology
from app.settings.config import settings
from app.settings.kinds import in_url, reachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet import Process

#: Long for a busy machine with one core; nobody waits so long for a process that does not start at all.
STEP_TIMEOUT_SECONDS = 180
HTTP_TIMEOUT_SECONDS = 5
PING_TIMEOUT_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """One part that must answer, and the supervised process it lives in."""

    what: str
    process: str
    is_ready: Callable[[], bool]


def wait_for_all(*, token: str) -> None:
    """Say of each part when it answers. Raises `SetupFailed` for the first that does not in time."""
    for step in _steps(token):
        began = time.monotonic()
        while not step.is_ready():
            seconds = time.monotonic() - began
            process = _process_of(step)
            if seconds > STEP_TIMEOUT_SECONDS or process.state == "FATAL":
                raise SetupFailed(_complaint(step, process, seconds=seconds))
            time.sleep(0.1)
        print(f"  {step.what}")


def _steps(token: str) -> list[Step]:
    steps = [
        Step(what="Redis answers", process="redis", is_ready=redis_answers),
        Step(
            what="the API is ready",
            process="groundwork-api",
            is_ready=lambda: _answers(f"{api_url()}/readyz", authorization=f"Bearer {token}"),
        ),
        *(
            Step(
                what=f'the workers of the pool "{pool.name}" take jobs',
                process=f"groundwork-worker-{pool.name}",
                is_ready=partial(_pool_answers, pool.name),
            )
            for pool in topology.POOLS
        ),
        Step(what="beat fires the schedules", process="groundwork-beat", is_ready=_beat_leads),
    ]
    if runs_flower():
        steps.append(Step(what="Flower answers", process=FLOWER, is_ready=_flower_answers))
    return steps if starts_redis(settings()) else steps[1:]


def _process_of(step: Step) -> Process:
    return next(process for process in processes() if process.name == step.process)


def _complaint(step: Step, process: Process, *, seconds: float) -> str:
    output = LOGS / f"{step.process}.out"
    last = output.read_text(errors="replace").strip().splitlines()[-5:] if output.exists() else []
    complaint = (
        f'After {seconds:.0f} s still not: {step.what}. The process "{step.process}" is '
        f"{process.state} ({process.description}). What it printed last is above; more is in {LOGS}."
    )
    return "\n".join([*last, complaint])


def api_url() -> str:
    """Where the API is reached from this machine."""
    return f"http://{in_url(reachable(settings().api_host))}:{settings().api_port}"


def flower_url() -> str:
    """Where Flower is reached from this machine."""
    prefix = settings().flower_url_prefix
    return f"http://127.0.0.1:{settings().flower_port}" + (f"/{prefix}/" if prefix else "")


def _flower_answers() -> bool:
    secret = f"{settings().flower_user}:{settings().flower_password.get_secret_value()}"
    return _answers(flower_url(), authorization=f"Basic {base64.b64encode(secret.encode()).decode()}")


def _answers(url: str, *, authorization: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": authorization})  # noqa: S310 (our own)
    try:
        # No proxy: the address is this machine's.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=HTTP_TIMEOUT_SECONDS) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def redis_answers() -> bool:
    """Whether the broker takes a command."""
    import redis

    client = redis.Redis.from_url(settings().redis.for_redis_py, socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _pool_answers(name: str) -> bool:
    from app.celery_app import celery_app
    from app.jobs.celery.non_durable import failures

    try:
        return bool(
            celery_app.control.broadcast(
                "ping",
                reply=True,
                pattern=f"{name}@*",
                # Its name is what is sent.
                matcher="glob",  # type: ignore[arg-type]
                timeout=PING_TIMEOUT_SECONDS,
                limit=1,
            )
        )
    except failures():
        return False


def _beat_leads() -> bool:
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    from app.db.clock import clock
    from app.db.sessions import reading
    from app.schedule.models import Leader

    try:
        with reading() as session:
            return bool(session.scalar(select(func.count()).where(Leader.until > clock())))
    except SQLAlchemyError:
        return False
