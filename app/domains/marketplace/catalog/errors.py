"""What can go wrong with the catalogue, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from app.domains.marketplace.catalog.models import ModelVersion


class ModelNotFound(NotFound):
    """Raised for an id that no model has, or none that the caller is shown."""

    code = "model_not_found"

    def __init__(self, *, model_id: int) -> None:
        super().__init__(f"There is no model with the id {model_id}.")


class VersionNotFound(NotFound):
    """Raised for an id that no version of the model has."""

    code = "version_not_found"

    def __init__(self, *, version_id: int) -> None:
        super().__init__(f"There is no version with the id {version_id}.")


class TierNotFound(NotFound):
    """Raised for an id that no pricing tier of the model has."""

    code = "tier_not_found"

    def __init__(self, *, tier_id: int) -> None:
        super().__init__(f"There is no pricing tier with the id {tier_id}.")


class NameTaken(Conflict):
    """Raised for a slug, a version or the name of a tier that is there already."""

    code = "name_taken"

    def __init__(self, *, what: str, name: str) -> None:
        super().__init__(f'There is a {what} "{name}" already. Choose another.')


class NotPublishable(Conflict):
    """Raised for a model that nobody could buy or get."""

    code = "not_publishable"

    def __init__(self, *, model_id: int, problem: str) -> None:
        super().__init__(f"Model {model_id} cannot be published: {problem}.")


class VersionBlocked(Conflict):
    """Raised for a version with an image that is not known to be sound."""

    code = "version_blocked"

    def __init__(self, version: ModelVersion, *, problem: str) -> None:
        super().__init__(f"Version {version.version} cannot be published: {problem}.")


class VersionPublished(Conflict):
    """Raised for the file of a version that buyers have."""

    code = "version_published"

    def __init__(self, version: ModelVersion) -> None:
        super().__init__(
            f"Version {version.version} is published, and its file stays as it is. Make another version."
        )


class NoFile(NotFound):
    """Raised for a model of which no published version has a file."""

    code = "no_file"

    def __init__(self, *, model_id: int) -> None:
        super().__init__(f"No published version of model {model_id} has a file; it may have images alone.")


class UnofficialCurrency(InvalidInput):
    """Raised for a price in what is no currency."""

    code = "unofficial_currency"

    def __init__(self, *, currency: str) -> None:
        super().__init__(f"{currency} is no currency of ISO 4217. Give one such as EUR.")
