"""Asks each part of the running service whether it does its work yet."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet import processes
from local_settings import LOGS, starts_redis
from packages import SetupFailed

from app import topology
from app.settings.config import settings
from app.settings.kinds import in_url

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_TIMEOUT_SECONDS = 60
HTTP_TIMEOUT_SECONDS = 5


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
            if time.monotonic() - began > STEP_TIMEOUT_SECONDS:
                raise SetupFailed(_complaint(step))
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
                is_ready=lambda name=pool.name: name in _pools_that_answer(),  # type: ignore[misc]
            )
            for pool in topology.POOLS
        ),
        Step(what="beat fires the schedules", process="groundwork-beat", is_ready=_beat_leads),
        Step(what="Flower answers", process="groundwork-flower", is_ready=_flower_answers),
    ]
    return steps if starts_redis(settings()) else steps[1:]


def _complaint(step: Step) -> str:
    process = next(process for process in processes() if process.name == step.process)
    output = LOGS / f"{step.process}.out"
    last = output.read_text(errors="replace").strip().splitlines()[-5:] if output.exists() else []
    complaint = (
        f'After {STEP_TIMEOUT_SECONDS} s still not: {step.what}. The process "{step.process}" is '
        f"{process.state} ({process.description}). What it printed last is above; more is in {LOGS}."
    )
    return "\n".join([*last, complaint])


def api_url() -> str:
    """Where the API is reached from this machine."""
    host = settings().api_host
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{in_url(reachable)}:{settings().api_port}"


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


def _pools_that_answer() -> set[str]:
    from app.celery_app import celery_app
    from app.jobs.celery.non_durable import failures

    try:
        replies = celery_app.control.ping(timeout=0.5) or []
    except failures():
        return set()
    return {node.partition("@")[0] for reply in replies for node in reply}


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
