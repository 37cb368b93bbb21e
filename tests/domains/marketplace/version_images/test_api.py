"""Images over HTTP: sent, pushed, scanned, and published once they are sound."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.domains.marketplace.catalog.models import ModelVersion
from app.domains.marketplace.images.findings import Severity
from app.domains.marketplace.version_images import results
from app.storage.errors import NoSuchFile
from app.storage.stores import store
from tests.api_client import client_for
from tests.domains.marketplace.market import NOW
from tests.domains.marketplace.version_images import shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

    from tests.fakes.registry import FakeRegistry

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
ARCHIVE = shelf.archive_of(shelf.LAYER)


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def place(version: int) -> str:
    return f"/api/v1/marketplace/models/{shelf.row(version).model_id}/versions/{version}"


def found(version_id: int, *severities: Severity) -> None:
    """Let a scan have found this."""
    with transaction() as session:
        version = session.get_one(ModelVersion, version_id)
        results.keep(session, version, shelf.report(*severities), now=NOW)


@pytest.fixture
def author() -> TestClient:
    return client_for("catalog:write", "jobs:read", "jobs:write")


def test_an_image_is_sent_pushed_scanned_and_published(author: TestClient, ecr: FakeRegistry) -> None:
    version = shelf.add_version(shelf.add_model(), "1.0.0+b7")
    at = place(version)
    digest = {"X-Content-SHA256": sha256(ARCHIVE).hexdigest()}
    assert "has no archive" in problem(author.post(f"{at}/push", json={}), 409)
    sent = ok(author.put(f"{at}/image", content=ARCHIVE, headers=digest))
    assert (sent["archive_size"], sent["archive_sha256"]) == (len(ARCHIVE), digest["X-Content-SHA256"])
    assert "not in the registry" in problem(author.post(f"{at}/publish"), 409)
    assert "Push it first" in problem(author.post(f"{at}/scan"), 409)
    asked = author.post(f"{at}/push", json={})
    job = ok(author.get(asked.headers["Location"]))
    assert (ok(asked, 202)["job_id"], job["arguments"]["image_tag"]) == (job["id"], "1.0.0_b7")
    assert ok(author.post(f"{at}/push", json={"image_tag": "1.0.0_b7"}), 202)["job_id"] == job["id"]
    ok(author.post(f"/api/v1/jobs/{job['id']}/cancel"))
    assert shelf.seen(version).push_state == "failed"
    shelf.push(shelf.row(version).model_id, "1.0.0_b7")
    assert "was not scanned" in problem(author.post(f"{at}/publish"), 409)
    scan = ok(author.post(f"{at}/scan"), 202)
    assert ok(author.get(f"/api/v1/jobs/{scan['job_id']}"))["task"] == "marketplace.scan_model_security"
    found(version, Severity.HIGH, Severity.LOW)
    blocked = problem(author.post(f"{at}/publish"), 409)
    assert blocked.endswith("the scan of its image found weaknesses (1 high); push a sound one.")
    found(version, Severity.MEDIUM)
    published = ok(author.post(f"{at}/publish"))
    assert (published["scan_state"], published["medium"]) == ("passed", 1)
    assert published["image"].endswith(":1.0.0_b7")
    assert "Make another version" in problem(author.put(f"{at}/image", content=ARCHIVE), 409)


def test_the_limit_of_the_gate_is_the_one_that_is_set_when_it_is_passed(
    author: TestClient, ecr: FakeRegistry, configure: Callable[..., None]
) -> None:
    version = shelf.with_archive()
    shelf.push(version.model_id)
    found(version.id, Severity.MEDIUM, Severity.MEDIUM, Severity.CRITICAL)
    for limit, counted in (("critical", "1 critical"), ("medium", "1 critical, 2 medium")):
        configure(image_blocking_severity=limit)
        assert f"found weaknesses ({counted})" in problem(author.post(f"{place(version.id)}/publish"), 409)
    found(version.id, Severity.HIGH, Severity.INFORMATIONAL, Severity.UNKNOWN)
    configure(image_blocking_severity="critical")
    assert shelf.seen(version.id).scan_state == "blocked", "as it was found"
    assert ok(author.post(f"{place(version.id)}/publish"))["scan_state"] == "passed"


def test_weaknesses_are_listed_page_by_page_and_by_severity(author: TestClient) -> None:
    version = shelf.add_version(shelf.add_model())
    at = f"{place(version)}/findings"
    assert ok(author.get(at)) == {"findings": [], "next": None}
    found(version, Severity.LOW, Severity.CRITICAL, Severity.LOW)
    first = ok(author.get(at, params={"limit": 2}))
    assert [one["severity"] for one in first["findings"]] == ["critical", "low"]
    rest = ok(author.get(at, params={"limit": 2, "cursor": first["next"]}))
    assert ([one["weakness"] for one in rest["findings"]], rest["next"]) == (["CVE-2"], None)
    low = ok(author.get(at, params={"severity": "low"}))
    assert [one["weakness"] for one in low["findings"]] == ["CVE-0", "CVE-2"]
    assert "severity" in author.get(at, params={"severity": "bad\0"[:3]}).text
    assert author.get(at.replace(f"/{version}/", "/4711/")).status_code == 404


def test_who_may_not_write_the_catalogue_does_none_of_this() -> None:
    at = place(shelf.add_version(shelf.add_model()))
    reader = client_for("catalog:read")
    for answer in (
        reader.put(f"{at}/image", content=ARCHIVE),
        reader.post(f"{at}/push", json={}),
        reader.post(f"{at}/scan"),
        reader.get(f"{at}/findings"),
    ):
        assert answer.status_code == 403


def test_an_archive_takes_the_place_of_another_and_what_is_refused_leaves_nothing(
    author: TestClient, ecr: FakeRegistry
) -> None:
    version = shelf.add_version(shelf.add_model())
    at = f"{place(version)}/image"
    ok(author.put(at, content=b"first"))
    replaced = str(shelf.row(version).archive_key)
    ok(author.put(at, content=ARCHIVE))
    with pytest.raises(NoSuchFile):
        store().size(replaced)
    wrong = author.put(at, content=ARCHIVE, headers={"X-Content-SHA256": "0" * 64})
    assert "Send the file again" in problem(wrong, 422)
    assert shelf.row(version).archive_size == len(ARCHIVE)
    assert author.put(at.replace(f"/{version}/", "/4711/"), content=ARCHIVE).status_code == 404


TAGS = ["", "-a", ".a", "a b", "a/b", "a:b", "a" * 129, "образ", "a\n", "\0", "\ud800", 1, None, True, ["a"]]


@pytest.mark.parametrize("path", ["push", "jobs"])
def test_a_tag_that_no_registry_takes_is_refused(author: TestClient, path: str) -> None:
    version = shelf.add_version(shelf.add_model())
    headers = {"Content-Type": "application/json"}
    for tag in TAGS:
        if path == "push":
            address, body = f"{place(version)}/push", {"image_tag": tag}
        else:
            arguments = {"model_id": 1, "image_tag": tag}
            address, body = "/api/v1/jobs", {"task": "marketplace.push_to_ecr", "arguments": arguments}
        answer = author.post(address, content=json.dumps(body), headers=headers)
        expected = (409,) if path == "push" and tag is None else (400, 422)
        assert answer.status_code in expected, (tag, answer.text)
        assert answer.json()["detail"]
