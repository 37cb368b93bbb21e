"""Reads YAML and refuses what PyYAML would pass in silence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from app.domains.pricing.errors import InvalidRules

if TYPE_CHECKING:
    from pathlib import Path


class _UniqueKeys(yaml.SafeLoader):
    """YAML says that keys are unique; PyYAML would keep the last and drop the others in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        counts = Counter(str(key.value) for key, _ in node.value)
        for key, count in counts.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f'the key "{key}" appears {count} times; merge them',
                    problem_mark=node.start_mark,
                )
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:
    """The document in `path`. Raises `InvalidRules`."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidRules(path=path, problem=f"{where}not usable as YAML: {problem}.") from None
    except UnicodeDecodeError as error:
        raise InvalidRules(path=path, problem=f"not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except OSError as error:
        raise InvalidRules(path=path, problem=f"{error.strerror}.") from None
