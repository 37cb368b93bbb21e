"""What is wrong with a setting of this package."""

from __future__ import annotations

from app.settings.sources import PREFIX, ConfigError


class PackageMissing(ConfigError):
    """Raised at the start when a setting asks for a library that is not installed."""

    code = "package_missing"

    def __init__(self, *, setting: str, extra: str, library: str | None) -> None:
        super().__init__(
            f"{PREFIX}{setting} is set, and {library} is not installed. Install groundwork[{extra}], or "
            "unset it."
        )
