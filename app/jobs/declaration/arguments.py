"""Arguments of a task as an operator types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.errors import InvalidInput
from app.jobs.declaration.parameters import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.jobs.declaration.registry import TaskSpec


class UnusableArguments(InvalidInput):
    """Raised when a task cannot be called with what was typed."""

    code = "unusable_arguments"


def typed_arguments(*, pairs: Sequence[str], document: str | None) -> dict[str, Any]:
    """The arguments of `--arg name=value` (values as text) and of `--json-args`; the former win."""
    named = _from_json(document) if document is not None else {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UnusableArguments(f'--arg "{pair}" is not usable: write it as name=value.')
        named[name] = value
    return named


def checked_arguments(spec: TaskSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as the task's own types, as JSON holds them; text is read as a number where one is due."""
    try:
        return spec.as_json(given)
    except ValidationError as error:
        problems = [
            f"{_name(one['loc'])}: {one['msg'].rstrip('.')}" for one in error.errors(include_url=False)
        ]
        raise UnusableArguments(
            f"{spec.name} cannot take these arguments. {'; '.join(problems)}. Its arguments are: "
            f"{in_words(spec.signature)}."
        ) from None


def _from_json(document: str) -> dict[str, Any]:
    try:
        value = json.loads(document)
    except ValueError as error:
        raise UnusableArguments(f"--json-args is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise UnusableArguments('--json-args must be an object, such as {"days_threshold": 30}.')
    return value


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
