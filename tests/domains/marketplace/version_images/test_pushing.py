"""What is pushed under which tag, and what is refused."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.marketplace.catalog.errors import ModelNotFound, VersionNotFound, VersionPublished
from app.domains.marketplace.catalog.models import PushState, ScanState
from app.domains.marketplace.images.archive_errors import UnusableArchive, WrongDigest
from app.domains.marketplace.images.errors import TagTaken
from app.domains.marketplace.images.findings import Severity
from app.domains.marketplace.version_images import pushing, results
from app.domains.marketplace.version_images.errors import (
    ArchiveLost,
    NoArchive,
    OtherImage,
    ReplacedMeanwhile,
    VersionUnclear,
)
from app.storage.stores import store
from tests.domains.marketplace.images.samples import Layout, digest_of, noise, path_of, tar_of
from tests.domains.marketplace.market import NOW
from tests.domains.marketplace.version_images import shelf
from tests.domains.marketplace.version_images.shelf import LAYER, add_model, add_version, push, with_archive
from tests.fakes.registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.fakes.ecr import FakeEcr

pytestmark = [pytest.mark.databases("postgresql"), pytest.mark.usefixtures("database")]
OTHER = noise(9_000, seed=2)


def test_the_version_of_the_tag_is_meant_or_the_only_one_with_an_archive(ecr: FakeRegistry) -> None:
    model = add_model()
    old = add_version(model, "1.0.0", LAYER)
    assert push(model, "latest")["version_id"] == old
    new = add_version(model, "1.1.0+b7", OTHER)
    for tag in ("1.1.0_b7", "v1.1.0_b7"):
        assert push(model, tag)["version_id"] == new
    assert push(model, "stable", old)["version_id"] == old
    with pytest.raises(VersionUnclear, match=r"\"newest\" is the tag of none: 1.1.0\+b7 \(id "):
        push(model, "newest")
    add_version(model, "2.0.0")
    with pytest.raises(NoArchive, match="has no archive of an image"):
        push(model, "2.0.0")


def test_what_is_not_there_is_not_pushed(ecr: FakeRegistry) -> None:
    model, other = add_model(), with_archive()
    with pytest.raises(NoArchive, match=f"No version of model {model} has an archive"):
        push(model)
    with pytest.raises(ModelNotFound):
        push(2**63 - 1)
    with pytest.raises(VersionNotFound):
        push(model, version_id=other.id)
    store().delete(str(other.archive_key))
    with pytest.raises(ArchiveLost, match="Send it again"):
        push(other.model_id)
    assert ecr.requests == []


def test_a_repository_has_the_name_that_is_set(ecr: FakeRegistry, configure: Callable[..., None]) -> None:
    configure(image_repository_prefix="shop/eu-1")
    assert push(with_archive().model_id)["image"].startswith("shop/eu-1/shown-")


def test_layers_of_another_model_for_the_same_framework_are_not_sent(ecr: FakeRegistry) -> None:
    push(with_archive(LAYER, framework="JAX").model_id)
    push(with_archive(OTHER, framework="PyTorch").model_id)
    done = push(with_archive(LAYER, OTHER, framework="JAX").model_id)
    assert done["mounted"] >= len(LAYER)
    assert len(OTHER) <= done["sent"] < len(OTHER) + len(LAYER)


def test_another_image_is_to_be_scanned_anew(ecr: FakeRegistry) -> None:
    version = with_archive()
    push(version.model_id)
    scanned(version.id, Severity.LOW)
    push(version.model_id)
    push(version.model_id, "same-under-another-tag")
    assert shelf.seen(version.id).scan_state == ScanState.PASSED
    replaced = shelf.send(version.id, shelf.archive_of(OTHER))
    assert replaced == version.archive_key
    view = shelf.seen(version.id)
    assert (view.push_state, view.scan_state, view.image, view.low) == ("none", "none", None, 0)
    assert shelf.findings(version.id) == []
    with pytest.raises(TagTaken, match="Push under a new tag"):
        push(version.model_id)
    assert shelf.row(version.id).push_state == PushState.PUSHING
    assert shelf.seen(version.id).push_state == PushState.FAILED, "no job goes on with it"
    assert push(version.model_id, "1.0.0-2")["image"].endswith(":1.0.0-2")


def test_what_buyers_have_stays_what_it_is(ecr: FakeRegistry) -> None:
    layout = Layout()
    layout.image(LAYER, tag="1.0.0")
    layout.image(OTHER, tag="other")
    version = shelf.row(add_version(add_model()))
    shelf.send(version.id, layout.tar().getvalue())
    push(version.model_id)
    scanned(version.id)
    shelf.publish(version)
    with pytest.raises(OtherImage, match="Make another version"):
        push(version.model_id, "other")
    with pytest.raises(VersionPublished):
        shelf.send(version.id, shelf.archive_of(OTHER))
    assert shelf.seen(version.id).push_state == PushState.PUSHED


def test_an_archive_that_is_replaced_meanwhile_is_not_taken_for_the_new_one(ecr: FakeRegistry) -> None:
    version = with_archive()
    ecr.plan("PUT", lambda: shelf.send(version.id, shelf.archive_of(OTHER)))
    with pytest.raises(ReplacedMeanwhile):
        push(version.model_id)
    assert shelf.row(version.id).image is None
    replaced = shelf.row(version.id)
    ecr.plan("HEAD", lambda: store().delete(str(shelf.send(version.id, shelf.archive_of(LAYER)))))
    with pytest.raises(ReplacedMeanwhile):
        push(version.model_id, "2")
    assert shelf.row(version.id).archive_key != replaced.archive_key


def test_hostile_archives_are_refused_with_a_sentence(ecr: FakeRegistry) -> None:
    version = shelf.row(add_version(add_model()))
    layout = Layout()
    layout.image(LAYER)
    layout.files[path_of(digest_of(LAYER))] = OTHER[: len(LAYER)].ljust(len(LAYER))
    hostile: list[tuple[bytes, type[Exception]]] = [
        (b"", UnusableArchive),
        (b"\x1f\x8b" + LAYER, UnusableArchive),
        (noise(5_000), UnusableArchive),
        (shelf.archive_of(LAYER)[:-12_000], UnusableArchive),
        (tar_of({"../index.json": b"{}", "oci-layout": b"{}"}).getvalue(), UnusableArchive),
        (layout.tar().getvalue(), WrongDigest),
    ]
    for content, error in hostile:
        shelf.send(version.id, content)
        with pytest.raises(error):
            push(version.model_id)
    assert not any(ecr.manifests.values())
    assert shelf.seen(version.id).push_state == PushState.FAILED


def test_connections_that_break_cost_nothing_but_time(ecr: FakeRegistry) -> None:
    version = with_archive(LAYER, OTHER)
    ecr.cuts += [4_000, 12_000]
    assert push(version.model_id)["present"] == 0
    assert ecr.cuts == []


def test_a_token_that_ends_in_the_middle_is_renewed(
    scripted: FakeEcr, configure: Callable[..., None]
) -> None:
    registry = FakeRegistry(signs_in="basic", password="first").start()
    configure(ecr_registry_url=registry.url)
    scripted.say({"repositories": [{"repositoryName": "shown"}]}, token("first"), token("first"))
    scripted.say(token("second"))
    registry.plan("PUT", lambda: setattr(registry, "password", "second"))
    version = with_archive()
    digest = push(version.model_id)["digest"]
    assert digest in {name for manifests in registry.manifests.values() for name in manifests}
    assert len(scripted.requests) == 4
    registry.close()


def token(password: str) -> dict[str, Any]:
    """A token of ECR's."""
    both = base64.b64encode(f"AWS:{password}".encode()).decode()
    told = {"authorizationToken": both, "proxyEndpoint": "https://registry.example"}
    return {"authorizationData": [told]}


def test_a_push_that_is_no_longer_wanted_ends_between_chunks(ecr: FakeRegistry) -> None:
    class Cancelled(Exception):
        pass

    told: list[Any] = []

    def end(progress: Any) -> None:
        told.append(progress)
        if progress:
            raise Cancelled

    version = with_archive()
    with pytest.raises(Cancelled):
        push(version.model_id, meanwhile=end)
    assert told[-1]["doing"] == "pushing"
    assert not any(ecr.manifests.values())


def test_who_asks_names_version_and_tag_or_gets_the_versions_own(ecr: FakeRegistry) -> None:
    version = shelf.row(add_version(add_model(), "1.0.0+b7", LAYER))
    with transaction() as session:
        first = pushing.request(session, model_id=version.model_id, version_id=version.id, tag=None)
    with transaction() as session:
        same = pushing.request(session, model_id=version.model_id, version_id=version.id, tag="1.0.0_b7")
        other = pushing.request(session, model_id=version.model_id, version_id=version.id, tag="2")
    assert (first == same, first == other) == (True, False)
    assert (shelf.seen(version.id).push_job_id, shelf.seen(version.id).push_state) == (other, "pushing")


def scanned(version_id: int, *severities: Severity) -> None:
    with transaction() as session:
        version = session.get_one(type(shelf.row(version_id)), version_id)
        results.keep(session, version, shelf.report(*severities), now=NOW)
