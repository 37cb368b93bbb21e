"""The service on a host, as a client and an operator see it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tests.host.rehearsals.container import Container

TERMINAL = {"done", "dead", "cancelled"}


@dataclass
class Service:
    """The API of `container` behind its proxy, with a token of its own."""

    container: Container
    token: str

    @classmethod
    def of(cls, container: Container) -> Service:
        """Make a token on the host, and the table that the rehearsals' tasks write."""
        # A host that was kept has those of earlier runs.
        name = f"rehearsal-{secrets.token_hex(4)}"
        made = container.run("groundwork", "token", "create", "--name", name, "--scope", "*")
        return cls(container=container, token=made.split()[0])

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request over a new connection; an answer that is no success is raised."""
        answer = httpx.request(
            method,
            f"https://{self.container.address}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            verify=False,
            timeout=60,
            **options,
        )
        answer.raise_for_status()
        return answer

    def submit(self, task: str, *, run_at: datetime | None = None, **arguments: object) -> str:
        """The id of the accepted job."""
        body: dict[str, object] = {"task": task, "arguments": arguments}
        if run_at:
            body["run_at"] = run_at.isoformat()
        return str(self.request("POST", "/api/v1/jobs", json=body).json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """All that is known of a job."""
        found: dict[str, Any] = self.request("GET", f"/api/v1/jobs/{job_id}").json()
        return found

    def finish(self, job_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The job once it is finished."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            found.update(self.job(job_id))
            return found["state"] in TERMINAL

        wait_until(ended, seconds=seconds, what=f"job {job_id} is finished")
        return found

    def make_effect_table(self) -> None:
        """Where the rehearsals' tasks leave their rows."""
        self.container.sql(
            "CREATE TABLE IF NOT EXISTS rehearsal_effect (name text NOT NULL);"
            "ALTER TABLE rehearsal_effect OWNER TO groundwork;"
            "CREATE INDEX IF NOT EXISTS ix_rehearsal_effect ON rehearsal_effect (name)"
        )

    def effects(self, prefix: str) -> dict[str, int]:
        """How many rows were left under each name that begins with `prefix`."""
        rows = self.container.sql(
            f"SELECT name, count(*) FROM rehearsal_effect WHERE name LIKE '{prefix}%' GROUP BY name"
        ).splitlines()
        return {name: int(count) for name, count in (row.split("|") for row in rows)}

    def unfinished(self) -> int:
        """How many accepted jobs are neither done, dead nor cancelled."""
        return int(
            self.container.sql("SELECT count(*) FROM job WHERE state NOT IN ('done', 'dead', 'cancelled')")
        )

    def refuse_faults(self, accepted: Mapping[str, str], *, interrupted: bool = False) -> None:
        """Fail unless each of these jobs was done and left one row; by one attempt, unless `interrupted`."""
        wait_until(lambda: not self._left(accepted), seconds=240, what="all accepted jobs are finished")
        wrong = "state <> 'done'" if interrupted else "state <> 'done' OR fence <> 1"
        known = {row.split("|")[0] for row in self._rows(accepted, "true")}
        faults = [
            *(f"not done at once: {row}" for row in self._rows(accepted, wrong)),
            *(f"lost: {job}" for job in accepted if job not in known),
        ]
        counts: dict[str, int] = {}
        for prefix in {name.split("-")[0] for name in accepted.values()}:
            counts |= self.effects(prefix)
        faults += [
            f"{name}: {counts.get(name, 0)} rows" for name in accepted.values() if counts.get(name, 0) != 1
        ]
        assert not faults, f"{len(faults)} of {len(accepted)} jobs:\n" + "\n".join(faults[:20])

    def _left(self, jobs: Iterable[str]) -> list[str]:
        return self._rows(jobs, "state NOT IN ('done', 'dead', 'cancelled')")

    def _rows(self, jobs: Iterable[str], condition: str) -> list[str]:
        listed = ",".join(f"'{job}'" for job in jobs)
        return self.container.sql(
            f"SELECT id, task, state, attempt, fence, coalesce(error, '') FROM job "
            f"WHERE id IN ({listed or 'NULL'}) AND ({condition})"
        ).splitlines()
