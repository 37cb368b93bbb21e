"""What the services are started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.processes.command_lines import (
    UnusableLogFolder,
    api_process,
    beat_process,
    flower_process,
    worker_process,
)
from app.settings.secret import DefaultSecret
from app.topology import POOLS, pool_named
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.topology import Pool

PASSWORD = "a-real-password-of-more-than-32-characters"


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.name)
def test_a_worker_drains_the_queues_of_its_pool(configure: Callable[..., None], pool: Pool) -> None:
    configure()
    arguments = worker_process(pool).arguments
    assert arguments[arguments.index("-n") + 1] == f"{pool.name}@%h"
    assert f"--queues={','.join(pool.queues)}" in arguments
    assert f"--concurrency={pool.concurrency}" in arguments


def test_a_worker_gives_its_jobs_back_on_sigterm(configure: Callable[..., None]) -> None:
    configure()
    assert worker_process(POOLS[0]).environment["REMAP_SIGTERM"] == "SIGQUIT"


def test_the_number_of_processes_can_be_given(configure: Callable[..., None]) -> None:
    configure()
    assert "--concurrency=9" in worker_process(pool_named("bulk"), concurrency=9).arguments


def test_each_service_logs_to_its_own_file(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(log_dir=tmp_path)
    assert f"--logfile={tmp_path}/worker-bulk.log" in worker_process(pool_named("bulk")).arguments
    assert f"--logfile={tmp_path}/beat.log" in beat_process().arguments


def test_a_log_folder_that_is_missing_is_refused(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(log_dir=tmp_path / "missing")
    with pytest.raises(UnusableLogFolder, match="install -d"):
        beat_process()


def test_flower_does_not_start_without_a_real_password(configure: Callable[..., None]) -> None:
    configure(flower_password="admin")
    with pytest.raises(DefaultSecret, match="GROUNDWORK_FLOWER_PASSWORD"):
        flower_process()


def test_the_password_of_flower_is_not_on_its_command_line(configure: Callable[..., None]) -> None:
    configure(flower_password=PASSWORD)
    process = flower_process()
    assert PASSWORD not in " ".join([*process.arguments, *process.environment.values()])


def test_the_api_is_started_without_importing_it(configure: Callable[..., None]) -> None:
    configure(api_port=free_port())
    assert api_process().module == "gunicorn"


def test_a_candidate_is_served_beside_the_running_api(configure: Callable[..., None]) -> None:
    configure(api_port=free_port())
    other = free_port()
    assert api_process(port=other, workers=1).environment == {
        "GROUNDWORK_API_PORT": str(other),
        "GROUNDWORK_API_WORKERS": "1",
    }
    assert api_process().environment == {}


def test_the_settings_give_the_number_of_processes(configure: Callable[..., None]) -> None:
    configure(worker_concurrency=7)
    bulk = pool_named("bulk")
    assert "--concurrency=7" in worker_process(bulk).arguments
    assert "--concurrency=9" in worker_process(bulk, concurrency=9).arguments
