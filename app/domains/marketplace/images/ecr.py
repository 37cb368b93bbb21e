"""Amazon ECR's own API, beside the protocol that all registries speak: tokens, repositories and scans."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images import ecr_findings, findings
from app.domains.marketplace.images.errors import (
    RegistryRefused,
    RegistryUnavailable,
    ScanImpossible,
    ScanUnavailable,
)
from app.domains.marketplace.images.signing_in import Login, is_url
from app.outbound import aws
from app.outbound.deliveries.errors import OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from app.settings.config import settings

if TYPE_CHECKING:
    from app.domains.marketplace.images.findings import Finding, Report

NAME = "ecr"
#: Errors that time mends. Source: Amazon ECR's API reference, and AWS's common errors.
TRANSIENT = frozenset(
    {"ServerException", "RequestTimeout", "ServiceUnavailable", "InternalFailure", "ExpiredTokenException"}
)
#: An image may be scanned by hand once in 24 hours; where Amazon Inspector scans, it needs nobody's word.
_SCANNED_ANYWAY = frozenset({"LimitExceededException", "ScanInProgressException", "ValidationException"})
_PAGE = 1_000
MAX_PAGES = 50
_IMMUTABLE = frozenset({"IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"})


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The registry of this account, and a token for it that is good for 12 hours."""

    url: str
    login: Login


@dataclass(frozen=True, kw_only=True)
class RepositoryFacts:
    """A repository that is there."""

    name: str
    arn: str
    keeps_tags: bool


def registry() -> Registry:
    """Where images go, and how to sign in there."""
    answer = _call(aws.client(NAME), "get_authorization_token")
    try:
        told = answer["authorizationData"][0]
        user, colon, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
        url = settings().ecr_registry_url or str(told["proxyEndpoint"])
    except (LookupError, TypeError, binascii.Error, UnicodeDecodeError):
        raise RegistryUnavailable("Amazon ECR answered without a token.") from None
    if not colon or not is_url(url):
        raise RegistryUnavailable("Amazon ECR answered with a token or an address that cannot be used.")
    return Registry(url=url, login=Login(user=user, password=password))


def ensure_repository(name: str) -> RepositoryFacts:
    """The repository of that name, made if it is not there: tags cannot be moved, and pushes are scanned."""
    client = aws.client(NAME)
    there = _described(client, name)
    if there is not None:
        return there
    try:
        made = _call(
            client,
            "create_repository",
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
        )
    except Refused as error:
        # Another job was faster.
        if error.reason == "RepositoryAlreadyExistsException" and (there := _described(client, name)):
            return there
        raise RegistryRefused(str(error), reason=error.reason) from None
    return _facts(made["repository"])


def _described(client: Any, name: str) -> RepositoryFacts | None:
    try:
        return _facts(_call(client, "describe_repositories", repositoryNames=[name])["repositories"][0])
    except Refused as error:
        if error.reason == "RepositoryNotFoundException":
            return None
        raise RegistryRefused(str(error), reason=error.reason) from None


def _facts(told: dict[str, Any]) -> RepositoryFacts:
    return RepositoryFacts(
        name=str(told["repositoryName"]),
        arn=str(told.get("repositoryArn", "")),
        keeps_tags=told.get("imageTagMutability") in _IMMUTABLE,
    )


def start_scan(*, repository: str, digest: str) -> bool:
    """Have an image scanned; whether that is new, or it is scanned anyway or was within 24 hours."""
    try:
        _call(
            aws.client(NAME),
            "start_image_scan",
            repositoryName=repository,
            imageId={"imageDigest": digest},
        )
    except Refused as error:
        if error.reason in _SCANNED_ANYWAY:
            return False
        raise ScanImpossible(str(error)) from None
    return True


def report(*, repository: str, digest: str) -> Report | None:
    """What the last scan of an image found; None while it is not finished, or not begun.

    Raises `ScanImpossible` for an image that ECR does not scan.
    """
    client = aws.client(NAME)
    found: list[Finding] = []
    page: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        try:
            answer = _page(client, repository, digest, page)
        except Refused as error:
            if error.reason == "ScanNotFoundException":
                return None
            raise ScanImpossible(str(error)) from None
        if not ecr_findings.is_done(answer.get("imageScanStatus") or {}):
            return None
        found += ecr_findings.found_in(answer.get("imageScanFindings") or {})
        if not (token := answer.get("nextToken")):
            return findings.report(NAME, found)
        page = {"nextToken": token}
    raise ScanUnavailable(f"Amazon ECR has more than {MAX_PAGES} pages of findings for {digest}.")


def _page(client: Any, repository: str, digest: str, page: dict[str, Any]) -> dict[str, Any]:
    return _call(
        client,
        "describe_image_scan_findings",
        repositoryName=repository,
        imageId={"imageDigest": digest},
        maxResults=_PAGE,
        **page,
    )


def _call(client: Any, operation: str, **arguments: Any) -> dict[str, Any]:
    """Call an operation, of which each may be done twice. Raises `Refused` and what is retried."""
    try:
        called: dict[str, Any] = aws.call(
            "ECR", getattr(client, operation), passing=TRANSIENT, handover=HandOver(), **arguments
        )
    except OutcomeUnknown as error:
        raise RegistryUnavailable(str(error)) from None
    return called
