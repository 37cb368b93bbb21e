"""What signing in takes, and what becomes of 10,000 wrong passwords from 100 addresses.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.sign_in

Starts a PostgreSQL and a Redis of its own, and measures on that and on SQLite. All addresses in turn try the
passwords for one account, while its owner signs in from where they always do; then each address tries one
password for many accounts.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import ExitStack

import httpx

from app.api import app
from app.db.engine import _engine_of
from app.db.migrations import revisions
from app.domains.accounts.sessions.lockout import MAX_PAUSE
from app.jobs.ledger import store
from app.jobs.publish import publisher
from app.settings.config import settings
from tests.domains.accounts.people import ANN, PASSWORD, SIGN_IN, add_person
from tests.servers import PostgresServer, RedisServer

SIGN_INS = 400
AT_ONCE = 8
WRONG, ADDRESSES = 10_000, 100
HOME = "203.0.113.9"
#: The owner signs in after so many attempts of others.
OWNER_EACH = 500


class Person:
    """Somebody at an address, as the proxy on this host speaks for them."""

    def __init__(self, address: str, email: str = ANN) -> None:
        self._email = email
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://bench", headers={"X-Real-IP": address}
        )

    async def sign_in(self, email: str | None = None, password: str = PASSWORD) -> httpx.Response:
        body = {"email": email or self._email, "password": password}
        return await self._client.post(SIGN_IN, json=body)

    async def timed(self) -> float:
        began = time.perf_counter()
        answer = await self.sign_in()
        answer.raise_for_status()
        return (time.perf_counter() - began) * 1000


def shown(what: str, taken: list[float]) -> None:
    p99 = statistics.quantiles(taken, n=100)[98]
    print(f"  {what}: {statistics.median(taken):.0f} ms median, {p99:.0f} ms p99")


async def measure() -> None:
    """One after the other, then several at once: two passwords are hashed at a time."""
    home = Person(HOME)
    for _ in range(20):
        await home.timed()
    shown("one by one", [await home.timed() for _ in range(SIGN_INS)])
    people = [Person(f"192.0.2.{number}", f"person-{number}@example.org") for number in range(AT_ONCE)]
    taken: list[float] = []
    for _ in range(SIGN_INS // AT_ONCE):
        taken += await asyncio.gather(*(person.timed() for person in people))
    shown(f"{AT_ONCE} at once", taken)


async def guess_one_account() -> None:
    """All addresses try the owner's account."""
    home, strangers = Person(HOME), [Person(f"198.51.100.{number}") for number in range(ADDRESSES)]
    answers: Counter[int] = Counter()
    owner: Counter[int] = Counter()
    for number in range(WRONG):
        answer = await strangers[number % ADDRESSES].sign_in(password=f"wrong {number} rivers run")
        answers[answer.status_code] += 1
        if number % OWNER_EACH == OWNER_EACH - 1:
            owner[(await home.sign_in()).status_code] += 1
    print(f"  {WRONG} wrong passwords for one account: {dict(answers)}; its owner meanwhile: {dict(owner)}")
    elsewhere = await Person("192.0.2.1").sign_in()
    longest = int(elsewhere.headers.get("Retry-After", 0))
    assert longest <= MAX_PAUSE.total_seconds()
    print(f"  its owner at an address never used before: {elsewhere.status_code}, again in {longest} s")


async def guess_many_accounts() -> None:
    """Each address tries the same password for one account after the other."""
    answers: Counter[int] = Counter()
    for number in range(ADDRESSES):
        stranger = Person(f"100.64.0.{number}")
        for account in range(WRONG // ADDRESSES):
            answer = await stranger.sign_in(f"user-{account}@example.org", "summer rivers run")
            answers[answer.status_code] += 1
    owner = (await Person("192.0.2.2").sign_in("bob@example.org")).status_code
    print(f"  {WRONG} for {WRONG // ADDRESSES} accounts: {dict(answers)}; another user meanwhile: {owner}")


def run(database_url: str) -> None:
    """Measure on one database."""
    os.environ["GROUNDWORK_DATABASE_URL"] = database_url
    settings.cache_clear()
    _engine_of.cache_clear()
    store.close()
    publisher.close()
    revisions.upgrade()
    print(database_url.partition(":")[0])
    for email in (ANN, "bob@example.org", *(f"person-{number}@example.org" for number in range(AT_ONCE))):
        add_person(email)
    for part in (measure, guess_one_account, guess_many_accounts):
        asyncio.run(part())


def main() -> None:
    """Start the servers and measure."""
    with ExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer(settings=())
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        postgres.execute("CREATE DATABASE bench")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["GROUNDWORK_REDIS_URL"] = redis.url
        # More than one client may ask for in a second, and at once.
        os.environ["GROUNDWORK_API_TOKEN_PER_SECOND"] = "100000"
        for url in (postgres.url("bench"), f"sqlite:///{folder}/bench.db"):
            run(url)


if __name__ == "__main__":
    main()
