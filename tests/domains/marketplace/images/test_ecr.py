from __future__ import annotations

import base64
import json
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.domains.marketplace.images import archives, ecr
from app.domains.marketplace.images.errors import (
    RegistryRefused,
    RegistryUnavailable,
    ScanFailed,
    ScanImpossible,
    ScanUnavailable,
)
from app.domains.marketplace.images.findings import Severity
from app.domains.marketplace.images.pushing import Target, push
from app.outbound.deliveries.errors import NotSent
from tests.domains.marketplace.images.samples import Layout, noise
from tests.fakes.aws import REGION, AwsServer, Fault
from tests.fakes.ecr import PASSWORD, FakeEcr, error, page, pointed_at, registry_of
from tests.outbound.mail.conftest import aws_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.registry import FakeRegistry

__all__ = ["aws_server"]

NAME = "shop/app"
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def moto(aws_server: AwsServer, configure: Callable[..., None]) -> AwsServer:
    """An ECR that the settings name."""
    aws_server.reset()
    configure(**pointed_at(aws_server.url))
    return aws_server


@pytest.fixture
def planned(configure: Callable[..., None]) -> Iterator[FakeEcr]:
    server: FakeEcr = FakeEcr().start()
    configure(**pointed_at(server.url))
    yield server
    server.close()


@pytest.fixture
def registry_of_moto(moto: AwsServer) -> Iterator[FakeRegistry]:
    server = registry_of(moto).start()
    yield server
    server.close()


def put_image(moto: AwsServer, *, repository: str = NAME, manifest: bytes = b'{"schemaVersion": 2}') -> None:
    moto.client("ecr").put_image(
        repositoryName=repository,
        imageManifest=manifest.decode(),
        imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
        imageTag="1.0",
        imageDigest=DIGEST,
    )


def test_a_token_opens_the_registry_of_the_account(moto: AwsServer) -> None:
    found = ecr.registry()

    assert found.url.startswith("https://")
    assert f".dkr.ecr.{REGION}.amazonaws.com" in found.url
    assert (found.login.user, found.login.password) == ("AWS", PASSWORD)
    assert "auth-token" not in repr(found)


def test_another_registry_is_for_trials(moto: AwsServer, configure: Callable[..., None]) -> None:
    configure(ecr_registry_url="http://127.0.0.1:5000/")

    assert ecr.registry().url == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"authorizationData": []},
        {"authorizationData": [{"authorizationToken": "%%%", "proxyEndpoint": "https://a.example"}]},
        {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(b"no colon").decode(),
                    "proxyEndpoint": "https://a.example",
                }
            ]
        },
        {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(b"\xff:\xff").decode(),
                    "proxyEndpoint": "https://a.example",
                }
            ]
        },
        {
            "authorizationData": [
                {"authorizationToken": base64.b64encode(b"a:b").decode(), "proxyEndpoint": "javascript:1"}
            ]
        },
    ],
)
def test_a_token_that_is_none_is_asked_for_again(planned: FakeEcr, told: dict[str, Any]) -> None:
    planned.say(told)

    with pytest.raises(RegistryUnavailable, match="Amazon ECR answered with"):
        ecr.registry()


def test_a_repository_is_made_once(moto: AwsServer) -> None:
    made = ecr.ensure_repository(NAME)
    again = ecr.ensure_repository(NAME)

    assert made == again
    assert made.keeps_tags
    (described,) = moto.client("ecr").describe_repositories()["repositories"]
    assert described["imageTagMutability"] == "IMMUTABLE"
    assert described["imageScanningConfiguration"] == {"scanOnPush": True}


def test_a_repository_of_somebody_elses_is_taken_as_it_is(moto: AwsServer) -> None:
    moto.client("ecr").create_repository(repositoryName=NAME)

    assert not ecr.ensure_repository(NAME).keeps_tags


def test_two_jobs_that_make_a_repository_both_have_it(moto: AwsServer) -> None:
    found: list[ecr.RepositoryFacts] = []
    jobs = [Thread(target=lambda: found.append(ecr.ensure_repository(NAME))) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()

    assert len(set(found)) == 1
    assert len(found) == 4


def test_a_repository_that_came_in_between_is_the_one(planned: FakeEcr) -> None:
    there = {"repositories": [{"repositoryName": NAME, "imageTagMutability": "MUTABLE"}]}
    planned.say(error("RepositoryNotFoundException"), error("RepositoryAlreadyExistsException"), there)

    assert ecr.ensure_repository(NAME).name == NAME


@pytest.mark.parametrize(
    "code", ["LimitExceededException", "AccessDeniedException", "InvalidParameterException"]
)
def test_a_repository_that_cannot_be_made_is_for_a_person(planned: FakeEcr, code: str) -> None:
    planned.say(error("RepositoryNotFoundException"), error(code))

    with pytest.raises(RegistryRefused, match=f"ECR answered {code}: on demand"):
        ecr.ensure_repository(NAME)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400, code="ThrottlingException"),
        Fault(status=500, code="ServerException"),
        Fault(status=503, code="X"),
    ],
)
def test_what_time_mends_is_tried_again_by_the_job(moto: AwsServer, fault: Fault) -> None:
    moto.faults.append(fault)

    with pytest.raises(NotSent):
        ecr.ensure_repository(NAME)


def test_a_lost_answer_is_asked_for_again(moto: AwsServer) -> None:
    moto.faults.append(Fault(loses_answer=True))

    with pytest.raises(RegistryUnavailable, match="ECR did not answer"):
        ecr.ensure_repository(NAME)


def test_an_image_is_scanned_once_a_day(moto: AwsServer) -> None:
    ecr.ensure_repository(NAME)
    put_image(moto)

    assert ecr.report(repository=NAME, digest=DIGEST) is None
    assert ecr.start_scan(repository=NAME, digest=DIGEST)
    assert not ecr.start_scan(repository=NAME, digest=DIGEST)
    report = ecr.report(repository=NAME, digest=DIGEST)

    assert report is not None
    (finding,) = report.findings
    assert (finding.severity, finding.id) == (Severity.HIGH, "CVE-9999-9999")
    assert (finding.package, finding.installed) == ("moto_fake", "9.9.9")
    assert report.counts[Severity.HIGH] == 1


def test_an_image_that_is_not_there_is_not_scanned(moto: AwsServer) -> None:
    ecr.ensure_repository(NAME)

    with pytest.raises(ScanImpossible, match="ImageNotFoundException"):
        ecr.start_scan(repository=NAME, digest=DIGEST)
    with pytest.raises(ScanImpossible, match="ImageNotFoundException"):
        ecr.report(repository=NAME, digest=DIGEST)


@pytest.mark.parametrize("code", ["LimitExceededException", "ScanInProgressException", "ValidationException"])
def test_a_scan_that_is_under_way_anyway_is_not_begun(planned: FakeEcr, code: str) -> None:
    planned.say(error(code))

    assert not ecr.start_scan(repository=NAME, digest=DIGEST)


@pytest.mark.parametrize("status", ["IN_PROGRESS", "PENDING"])
def test_a_scan_that_takes_its_time_is_not_finished_yet(planned: FakeEcr, status: str) -> None:
    planned.say(page(status))

    assert ecr.report(repository=NAME, digest=DIGEST) is None


@pytest.mark.parametrize(
    "status", ["UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "IMAGE_SIZE_EXCEEDED", "NEW_ONE"]
)
def test_an_image_that_ecr_does_not_scan_is_for_trivy(planned: FakeEcr, status: str) -> None:
    planned.say(page(status))

    with pytest.raises(ScanImpossible, match=rf"{status} \(said\)\. Set up Trivy"):
        ecr.report(repository=NAME, digest=DIGEST)


def test_a_scan_that_failed_is_not_repeated_before_ecr_would(planned: FakeEcr) -> None:
    planned.say(page("FAILED"))

    with pytest.raises(ScanFailed, match=r"could not scan the image: said\. It scans an image again after"):
        ecr.report(repository=NAME, digest=DIGEST)


def test_all_pages_are_read(planned: FakeEcr) -> None:
    planned.say(
        page("COMPLETE", {"name": "CVE-1", "severity": "LOW"}, nextToken="two"),
        page("COMPLETE", {"name": "CVE-2", "severity": "CRITICAL"}, {"name": "CVE-1", "severity": "LOW"}),
    )

    report = ecr.report(repository=NAME, digest=DIGEST)

    assert report is not None
    assert [one.id for one in report.findings] == ["CVE-2", "CVE-1"]
    assert [request.json.get("nextToken") for request in planned.requests] == [None, "two"]


def test_pages_without_an_end_are_given_up(planned: FakeEcr) -> None:
    planned.say(*[page("COMPLETE", nextToken="more")] * ecr.MAX_PAGES)

    with pytest.raises(ScanUnavailable, match="more than 50 pages"):
        ecr.report(repository=NAME, digest=DIGEST)


def test_findings_of_the_inspector_have_the_same_shape(planned: FakeEcr) -> None:
    package = {"name": "openssl", "version": "3.0.1", "fixedInVersion": "3.0.2"}
    enhanced = {
        "severity": "UNTRIAGED",
        "title": "CVE-3 - openssl",
        "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-3", "vulnerablePackages": [package]},
    }
    planned.say(
        {"imageScanStatus": {"status": "ACTIVE"}, "imageScanFindings": {"enhancedFindings": [enhanced]}}
    )

    report = ecr.report(repository=NAME, digest=DIGEST)

    assert report is not None
    (found,) = report.findings
    assert (found.severity, found.id, found.title) == (Severity.UNKNOWN, "CVE-3", "CVE-3 - openssl")
    assert (found.package, found.installed, found.fixed) == ("openssl", "3.0.1", "3.0.2")


def test_an_image_goes_from_its_archive_to_ecr_and_is_scanned(
    moto: AwsServer, registry_of_moto: FakeRegistry, configure: Callable[..., None]
) -> None:
    registry = registry_of_moto
    configure(ecr_registry_url=registry.url)
    layout = Layout()
    layout.image(noise(10_000))

    there = ecr.ensure_repository(NAME)
    to = ecr.registry()
    target = Target(
        url=to.url, repository=NAME, tag="1.0", login=lambda: to.login, keeps_tags=there.keeps_tags
    )
    with archives.opened(layout.tar()) as image:
        pushed = push(image, target)
        assert push(image, target).sent == 0

    assert ecr.start_scan(repository=NAME, digest=pushed.digest)
    assert ecr.report(repository=NAME, digest=pushed.digest) is not None
    assert json.loads(registry.manifests[NAME][pushed.digest][1]) == registry.image(NAME, "1.0")
    assert httpx.head(f"{registry.url}/v2/{NAME}/manifests/1.0").status_code == 401
