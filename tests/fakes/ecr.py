"""Amazon ECR: a registry, and moto beside it, which has ECR's own API; both have what is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
