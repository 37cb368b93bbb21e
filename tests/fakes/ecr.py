"""Amazon ECR: a registry, and moto beside it, which has ECR's own API; both have what is pushed.

And one that answers what it is told, which plays what moto does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.aws import REGION
from tests.fakes.http_server import Answer, ApiFake, Request
from tests.fakes.registry import FakeRegistry

if TYPE_CHECKING:
    from tests.fakes.aws import AwsServer

#: What moto gives out.
PASSWORD = "123456789012-auth-token"


def registry_of(aws: AwsServer, *, port: int = 0) -> FakeRegistry:
    """The registry of the account that moto plays, not started yet; its tags cannot be moved."""
    client = aws.client("ecr")

    def stored(repository: str, reference: str, manifest: bytes, digest: str) -> None:
        tag = {} if reference == digest else {"imageTag": reference}
        client.put_image(
            repositoryName=repository, imageManifest=manifest.decode(), imageDigest=digest, **tag
        )

    return FakeRegistry(
        port=port, signs_in="basic", password=PASSWORD, keeps_tags=True, is_like_ecr=True, stored=stored
    )


class FakeEcr(ApiFake):
    """What moto does not play: scans that take their time, and findings of many pages."""

    def true_answer(self, request: Request) -> Answer:
        raise AssertionError(request.body)

    def say(self, *answers: dict[str, Any] | Answer) -> None:
        self.plan("/", *(one if isinstance(one, Answer) else Answer(status=200, body=one) for one in answers))


def pointed_at(url: str, **more: str) -> dict[str, str]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return {"aws_region": REGION, "aws_endpoint_url": url, **keys, **more}


def error(code: str) -> Answer:
    return Answer(status=400, body={"__type": code, "message": "on demand"})


def page(status: str, *found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "imageScanStatus": {"status": status, "description": "said"},
        "imageScanFindings": {"findings": list(found)},
        **more,
    }
