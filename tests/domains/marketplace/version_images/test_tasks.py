"""Pushing and scanning by real workers: once, again, after a crash, and cancelled in between."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from app.celery_app import send_task
from app.db.sessions import reading, transaction
from app.domains.marketplace.catalog.models import PushState, ScanState
from app.domains.marketplace.version_images import pushing, scanning
from app.domains.marketplace.version_images.tasks import push_to_ecr, scan_model_security
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.jobs.service import cancel_job
from app.topology import POOLS, Queue
from tests.domains.marketplace.version_images import shelf
from tests.domains.marketplace.version_images.shelf import with_archive
from tests.fakes.ecr import page
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.ecr import FakeEcr
    from tests.fakes.registry import FakeRegistry
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
MIB = 1024 * 1024
#: Goes in three chunks.
LARGE = bytes(17 * MIB)


class Held:
    """Holds a request of the registry's."""

    def __init__(self) -> None:
        self.reached, self.released = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        self.released.wait(SECONDS)


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def progress_of(job_id: str) -> dict[str, Any]:
    return job(job_id).progress or {}


def wait_for(job_id: str, state: State) -> Job:
    wait_until(lambda: job(job_id).state == state, seconds=SECONDS, what=f"the job is {state}")
    return job(job_id)


def ask_for_push(version_id: int) -> str:
    with transaction() as session:
        model_id = shelf.row(version_id).model_id
        return pushing.request(session, model_id=model_id, version_id=version_id, tag=None)


def ask_for_scan(version_id: int) -> str:
    with transaction() as session:
        model_id = shelf.row(version_id).model_id
        return scanning.request(session, model_id=model_id, version_id=version_id)


def test_both_tasks_are_public_and_of_their_queue() -> None:
    specs = [declared()[name] for name in (pushing.PUSH_TASK, scanning.SCAN_TASK)]
    assert [(one.queue, one.public, one.scope) for one in specs] == [
        (Queue.MODELS, True, "catalog:write")
    ] * 2


def test_other_work_has_a_process_while_an_image_is_pushed_and_one_is_scanned() -> None:
    at_once = [declared()[name].limits for name in (pushing.PUSH_TASK, scanning.SCAN_TASK)]
    [pool] = [one for one in POOLS if Queue.MODELS in one.queues]
    assert sum(limits.concurrency or pool.concurrency for limits in at_once if limits) < pool.concurrency


def test_an_image_is_pushed_and_scanned_and_again(fleet: Fleet, ecr: FakeRegistry) -> None:
    fleet.start_worker(queues="models")
    version = with_archive()
    given = {"model_id": version.model_id, "image_tag": "1.0.0"}
    first = send_task("app.tasks.models.push_to_ecr", version.model_id, "1.0.0").get(timeout=SECONDS)
    again = push_to_ecr.delay(**given).get(timeout=SECONDS)
    assert (first["digest"], first["image"]) == (again["digest"], again["image"])
    assert (first["sent"] > len(shelf.LAYER), again["sent"]) == (True, 0)
    repository = first["image"].partition(":")[0]
    assert ecr.manifests[repository]["1.0.0"][0] == first["digest"]
    scan = "app.tasks.models.scan_model_security"
    scans = [send_task(scan, version.model_id).get(timeout=SECONDS) for _ in range(2)]
    assert scans[0] == scans[1]
    assert (scans[0]["scan_state"], scans[0]["found"]["high"]) == ("blocked", 1)
    assert [one.weakness for one in shelf.findings(version.id)] == ["CVE-9999-9999"]
    for task_, arguments, sentence in (
        (push_to_ecr, {"model_id": 4_711, "image_tag": "1"}, "no model with the id 4711"),
        (push_to_ecr, given | {"image_tag": "образ"}, "image_tag"),
        (scan_model_security, {"model_id": shelf.add_model()}, "Push it first"),
    ):
        with pytest.raises(Exception, match=sentence):
            task_.delay(**arguments).get(timeout=SECONDS)


def test_what_a_worker_began_to_push_another_ends(fleet: Fleet, ecr: FakeRegistry) -> None:
    held = Held()
    ecr.plan("PATCH", None, held)
    fleet.start_beat()
    first = fleet.start_worker("first", queues="models")
    version = with_archive(shelf.LAYER, LARGE)
    job_id = ask_for_push(version.id)
    assert held.reached.wait(SECONDS)
    wait_until(lambda: progress_of(job_id), seconds=SECONDS, what="the job tells how far it is")
    shown = progress_of(job_id)
    assert 0 < shown["percent"] < 100
    assert (shown["doing"], shown["of"] > len(LARGE)) == ("pushing", True)
    assert shelf.seen(version.id).push_state == PushState.PUSHING
    first.kill()
    held.released.set()
    fleet.start_worker("second", queues="models")
    result: Any = wait_for(job_id, State.DONE).result
    assert result["present"] == len(shelf.LAYER), "what was there was not sent again"
    assert shelf.seen(version.id).push_state == PushState.PUSHED
    assert progress_of(job_id)["percent"] == 100


def test_a_push_that_is_cancelled_sends_no_further_chunk(fleet: Fleet, ecr: FakeRegistry) -> None:
    held = Held()
    ecr.plan("PATCH", None, held)
    fleet.start_worker(queues="models", processes=1)
    version, small = with_archive(LARGE), with_archive()
    job_id = ask_for_push(version.id)
    assert ask_for_push(version.id) == job_id, "it is asked for already"
    assert held.reached.wait(SECONDS)
    with transaction() as session:
        assert cancel_job(session, job_id=job_id, reason="test")
    held.released.set()
    wait_for(ask_for_push(small.id), State.DONE)
    assert ecr.count("PATCH") == 2
    assert shelf.seen(version.id).push_state == PushState.FAILED
    there = {name for name, manifests in ecr.manifests.items() if manifests}
    assert there == {str(shelf.row(small.id).image).partition(":")[0]}
    wait_for(ask_for_push(version.id), State.DONE)
    assert shelf.seen(version.id).push_state == PushState.PUSHED


def test_a_scan_is_done_by_another_worker_where_one_died(
    fleet: Fleet, ecr: FakeRegistry, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(trivy_path=hesitant_trivy(tmp_path), trivy_cache_folder=tmp_path / "cache")
    fleet.start_beat()
    version = with_archive()
    shelf.push(version.model_id)
    first = fleet.start_worker("first", queues="models")
    job_id = ask_for_scan(version.id)
    wait_until((tmp_path / "began").exists, seconds=SECONDS, what="Trivy runs")
    assert shelf.seen(version.id).scan_state == ScanState.SCANNING
    first.kill()
    (tmp_path / "go").touch()
    fleet.start_worker("second", queues="models")
    result: Any = wait_for(job_id, State.DONE).result
    assert (result["scanner"], result["scan_state"]) == ("trivy", "passed")
    assert [(one.severity, one.weakness) for one in shelf.findings(version.id)] == [("low", "CVE-2026-1")]
    ended = ask_for_scan(version.id)
    wait_for(ended, State.DONE)
    assert len(shelf.findings(version.id)) == 1, "found again, and kept once"
    shelf.publish(version)


def test_a_scan_that_takes_its_time_occupies_no_worker(fleet: Fleet, scripted: FakeEcr) -> None:
    scripted.say({}, page("IN_PROGRESS"), {}, page("COMPLETE"))
    fleet.start_worker(queues="models", processes=1)
    slow, quick = shelf.pushed(), shelf.pushed()
    waits = ask_for_scan(slow.id)
    error = wait_for(waits, State.SCHEDULED).error
    assert error
    assert "has not finished the scan" in error
    wait_for(ask_for_scan(quick.id), State.DONE)
    assert [shelf.seen(one.id).scan_state for one in (slow, quick)] == ["scanning", "passed"]
    with transaction() as session:
        cancel_job(session, job_id=waits, reason="test")
    assert shelf.seen(slow.id).scan_state == ScanState.FAILED


def hesitant_trivy(folder: Path) -> Path:
    """A Trivy that waits until a file is there, and looks at what it is given."""
    found = {"VulnerabilityID": "CVE-2026-1", "PkgName": "zlib", "Severity": "LOW"}
    report = json.dumps({"Results": [{"Target": "os", "Vulnerabilities": [found]}]})
    path = folder / "trivy"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys, time\n"
        f"here = pathlib.Path({str(folder)!r})\n"
        "image = pathlib.Path(next(one for one in sys.argv if one.startswith('--input='))[8:])\n"
        "assert json.loads((image / 'index.json').read_text())['manifests'][0]['digest']\n"
        "(here / 'began').touch()\n"
        "until = time.monotonic() + 60\n"
        "while not (here / 'go').exists() and time.monotonic() < until:\n"
        "    time.sleep(0.02)\n"
        f"print({report!r})\n"
    )
    path.chmod(0o755)
    return path
