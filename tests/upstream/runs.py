"""One run: the tests of a suite in a process of their own, on a Redis of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.start import service_environment
from tests.servers import RedisServer
from tests.upstream import outcomes, sources
from tests.upstream.recording import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.upstream.outcomes import Outcome
    from tests.upstream.suites import Suite

ROOT = Path(__file__).parents[2]
#: What pytest said in the last run of each, and how the tests ended.
LAST = sources.FOLDER / "last"
#: Of one test, unless it sets its own.
TEST_LIMIT = timedelta(minutes=2)
RUN_LIMIT = timedelta(minutes=30)
#: As both libraries' own pipelines have it, and nothing else that is installed here.
PLUGINS = ("pytest_timeout", "pytest_rerunfailures", "tests.upstream.recording")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A suite, with parts of ours in place or without any."""

    suite: Suite
    name: str

    def last(self) -> dict[str, Outcome]:
        """How its tests ended when they were run last; none where they never were."""
        return outcomes.read(self._kept("outcomes"))

    def outcomes(self) -> dict[str, Outcome]:
        """How its tests end."""
        self._kept("outcomes").unlink(missing_ok=True)
        self._run(self.suite.files, kept=self._kept("outcomes"), log=self._kept("log"))
        return self.last()

    def again(self, tests: Collection[str]) -> dict[str, Outcome]:
        """How some of its tests end by themselves."""
        kept = self._kept("again")
        kept.unlink(missing_ok=True)
        self._run(tests, kept=kept, log=self._kept("again.log"))
        return outcomes.read(kept)

    def _kept(self, what: str) -> Path:
        LAST.mkdir(parents=True, exist_ok=True)
        return LAST / f"{self.suite.name}-{self.name}.{what}".replace(" ", "-")

    def _run(self, tests: Collection[str], *, kept: Path, log: Path) -> None:
        server = RedisServer()
        server.start()
        try:
            with tempfile.TemporaryDirectory() as folder, log.open("wb") as said:
                environment = self._environment(server, Path(folder)) | {VARIABLE: str(kept)}
                self._test(tests, environment=environment, log=said.fileno())
        finally:
            server.close()

    def _test(self, tests: Collection[str], *, environment: Mapping[str, str], log: int) -> None:
        parts = [f"tests.upstream.in_place.{part}" for part in self.suite.parts(self.name)]
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=short", "-p", "no:cacheprovider"]
        command += [f"--timeout={TEST_LIMIT.total_seconds()}"]
        for plugin in (*PLUGINS, *self.suite.plugins, *parts):
            command += ["-p", plugin]
        if self.suite.left_out:
            command += ["-k", " and ".join(f"not {name}" for name in self.suite.left_out)]
        # What it has not come to by then is told as not run.
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*command, *tests],
                cwd=sources.tests_of(self.suite.library),
                env=environment,
                stdout=log,
                stderr=log,
                timeout=RUN_LIMIT.total_seconds(),
                check=False,
            )

    def _environment(self, server: RedisServer, folder: Path) -> dict[str, str]:
        return service_environment(server.url, f"sqlite:///{folder}/ledger.db") | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": f"{sources.plugins()}:{ROOT}",
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(server.port),
            "REDIS_6379_TCP": str(server.port),
            "TEST_BROKER": server.url,
            "TEST_BACKEND": f"{server.url.removesuffix('/0')}/1",
            # Some tests look for what a worker logs.
            "WORKER_LOGLEVEL": "INFO",
        }
