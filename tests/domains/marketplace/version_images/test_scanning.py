"""What a scan finds, what is kept of it, and what becomes of scans that come to nothing."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.catalog.errors import ModelNotFound, VersionBlocked, VersionNotFound
from app.domains.marketplace.catalog.models import PushState, ScanState
from app.domains.marketplace.images.errors import ScanFailed, ScanImpossible, ScanUnavailable
from app.domains.marketplace.images.findings import MAX_FINDINGS
from app.domains.marketplace.version_images.errors import (
    ArchiveDiffers,
    ArchiveLost,
    NotPushed,
    ReplacedMeanwhile,
    ScanUnfinished,
)
from app.storage.stores import store
from tests.domains.marketplace.images.samples import noise
from tests.domains.marketplace.version_images import shelf
from tests.domains.marketplace.version_images.shelf import pushed, scan
from tests.fakes.ecr import FakeEcr, error, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.registry import FakeRegistry

pytestmark = [pytest.mark.databases("postgresql"), pytest.mark.usefixtures("database")]
STARTED: dict[str, Any] = {}


def weakness(severity: str, name: str = "CVE-1", **more: Any) -> dict[str, Any]:
    return {"severity": severity, "name": name, **more}


def starts(ecr: FakeEcr) -> int:
    return sum("StartImageScan" in str(one.headers) for one in ecr.requests)


def test_what_was_found_is_kept_by_severity_the_gravest_first(scripted: FakeEcr) -> None:
    version = pushed()
    hostile = "\0<script>\ud800" + "й" * 10_000
    found = [weakness(one.upper(), f"CVE-{one}") for one in ("low", "critical", "medium", "low-ish")]
    scripted.say(STARTED, page("COMPLETE", *found, weakness("HIGH", hostile, description=hostile)))
    done = scan(version.model_id)
    assert done["found"] == {
        "critical": 1,
        "high": 1,
        "medium": 1,
        "low": 1,
        "informational": 0,
        "unknown": 1,
    }
    kept = [one.severity for one in shelf.findings(version.id)]
    assert kept == ["critical", "high", "medium", "low", "unknown"]
    view = shelf.seen(version.id)
    assert (view.critical, view.high, view.medium, view.low) == (1, 1, 1, 1)
    assert (view.scan_state, view.scanner) == ("blocked", "ecr")
    assert view.scanned_at


def test_of_more_weaknesses_than_are_kept_all_are_counted(scripted: FakeEcr) -> None:
    version = pushed()
    found = [weakness("LOW", f"CVE-{number}") for number in range(MAX_FINDINGS + 10)]
    scripted.say(STARTED, page("COMPLETE", *found))
    scan(version.model_id)
    assert (len(shelf.findings(version.id)), shelf.seen(version.id).low) == (MAX_FINDINGS, MAX_FINDINGS + 10)


def test_a_scan_is_asked_for_once_in_a_day_and_looked_for_meanwhile(scripted: FakeEcr) -> None:
    version = pushed()
    scripted.say(STARTED, page("IN_PROGRESS"), page("PENDING"), error("ScanNotFoundException"))
    for _ in range(3):
        with pytest.raises(ScanUnfinished, match="has not finished the scan") as unfinished:
            scan(version.model_id)
        assert unfinished.value.after
    scripted.say(page("COMPLETE"))
    assert scan(version.model_id)["scan_state"] == "passed"
    assert starts(scripted) == 1
    started = shelf.row(version.id).scan_started_at
    assert started
    shelf.note(version.id, scan_started_at=started - timedelta(hours=25))
    scripted.say(error("LimitExceededException"), page("COMPLETE", weakness("CRITICAL")))
    assert scan(version.model_id)["scan_state"] == "blocked"
    assert starts(scripted) == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (page("FAILED"), ScanFailed),
        (page("UNSUPPORTED_IMAGE"), ScanImpossible),
        (error("ImageNotFoundException"), ScanImpossible),
    ],
)
def test_a_scan_that_comes_to_nothing_leaves_what_was_known(
    scripted: FakeEcr, answer: Any, expected: type[Exception]
) -> None:
    version = pushed()
    scripted.say(STARTED, answer)
    with pytest.raises(expected):
        scan(version.model_id)
    assert shelf.seen(version.id).scan_state == ScanState.FAILED
    with pytest.raises(VersionBlocked, match="was not scanned"):
        shelf.publish(version)
    scripted.say(page("COMPLETE"), answer)
    scan(version.model_id)
    with pytest.raises(expected):
        scan(version.model_id)
    assert shelf.seen(version.id).scan_state == ScanState.PASSED


def test_the_last_version_that_was_pushed_is_meant(scripted: FakeEcr) -> None:
    version = pushed()
    shelf.add_version(version.model_id, "2.0.0", shelf.LAYER)
    scripted.say(STARTED, page("COMPLETE"))
    assert scan(version.model_id)["version_id"] == version.id


def test_what_is_not_there_is_not_scanned(scripted: FakeEcr) -> None:
    version = shelf.with_archive()
    with pytest.raises(NotPushed, match=f"No image of model {version.model_id} is in the registry"):
        scan(version.model_id)
    with pytest.raises(NotPushed, match=f"version {version.id} is not in the registry"):
        scan(version.model_id, version.id)
    with pytest.raises(VersionNotFound):
        scan(version.model_id, 2**63 - 1)
    with pytest.raises(ModelNotFound):
        scan(4_711)
    assert scripted.requests == []


def test_what_is_found_in_one_image_is_not_said_of_another(scripted: FakeEcr) -> None:
    version = pushed()

    scripted.say(STARTED, page("COMPLETE"))
    with pytest.raises(ReplacedMeanwhile):
        scan(
            version.model_id,
            meanwhile=lambda _progress: shelf.note(version.id, image_digest=f"sha256:{'b' * 64}"),
        )
    assert (shelf.row(version.id).scanned_at, shelf.row(version.id).scan_started_at) == (None, None)


def test_trivy_looks_at_the_image_that_was_pushed(
    ecr: FakeRegistry, configure: Callable[..., None], tmp_path: Path
) -> None:
    version = shelf.with_archive()
    shelf.push(version.model_id)
    configure(trivy_path=trivy(tmp_path, "print(json.dumps({'Results': []}))"), trivy_cache_folder=tmp_path)
    left = tmp_path / "groundwork-images" / "of-a-scan-that-died"
    left.mkdir(parents=True)
    assert scan(version.model_id)["scanner"] == "trivy"
    assert list(left.parent.iterdir()) == []
    left.parent.rmdir()
    left.parent.touch()
    with pytest.raises(ScanUnavailable, match=r"cannot be written below .* \(Not a directory\)\. Make room"):
        scan(version.model_id)
    left.parent.unlink()
    given = json.loads((tmp_path / "index").read_text())
    assert given["manifests"][0]["digest"] == shelf.row(version.id).image_digest
    assert (tmp_path / "layers").read_text() == f"{len(shelf.LAYER)}"
    trivy(tmp_path, "print('no json')")
    with pytest.raises(ScanUnavailable, match="is not JSON"):
        scan(version.model_id)
    key = str(version.archive_key)
    store().put(key, [shelf.archive_of(noise(3_000))], limit=10_000_000)
    with pytest.raises(ArchiveDiffers, match="Push it again"):
        scan(version.model_id)
    store().delete(key)
    with pytest.raises(ArchiveLost):
        scan(version.model_id)
    view = shelf.seen(version.id)
    assert (view.scan_state, view.push_state) == (ScanState.PASSED, PushState.PUSHED)


def trivy(folder: Path, *lines: str) -> Path:
    """A Trivy that notes what it is given."""
    path = folder / "trivy"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        f"here = pathlib.Path({str(folder)!r})\n"
        "image = pathlib.Path(next(one for one in sys.argv if one.startswith('--input='))[8:])\n"
        "blobs = image / 'blobs' / 'sha256'\n"
        "(here / 'index').write_text((image / 'index.json').read_text())\n"
        "digest = json.loads((here / 'index').read_text())['manifests'][0]['digest'][7:]\n"
        "layers = json.loads((blobs / digest).read_text())['layers']\n"
        "sizes = [(blobs / one['digest'][7:]).stat().st_size for one in layers]\n"
        "(here / 'layers').write_text(' '.join(map(str, sizes)))\n" + "\n".join(lines)
    )
    path.chmod(0o755)
    return path
