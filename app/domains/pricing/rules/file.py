"""Reads the rule table from YAML and refuses one that does not mean what it says."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.domains.pricing.errors import InvalidRules
from app.domains.pricing.rules.coverage import shadows_of
from app.domains.pricing.rules.strict_yaml import read_yaml
from app.domains.pricing.rules.table import DAYS_THRESHOLD, Rule, RuleTable
from app.settings.config import settings
from app.values.nearest import did_you_mean
from app.values.text_fields import ONE_LINE

PACKAGED = Path(__file__).with_name("rules.yml")

Percent = Annotated[Decimal, Field(gt=0, le=100, max_digits=7, decimal_places=4)]
Count = Annotated[int, Field(ge=0, le=2_147_483_647, strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=80), ONE_LINE]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Days(_Section):
    first: Count = Field(alias="from")
    last: Count = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> _Days:
        if self.first > self.last:
            raise ValueError(f"from ({self.first}) is above to ({self.last}); swap them")
        if self.first > DAYS_THRESHOLD:
            raise ValueError(
                f"from ({self.first}) is beyond the {DAYS_THRESHOLD} days that recomputing looks ahead, so "
                "the rule would never match; lower it"
            )
        return self


class _Quantity(_Section):
    at_least: Annotated[Count, Field(ge=1)] = 1
    at_most: Annotated[Count, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> _Quantity:
        if self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least ({self.at_least}) is above at_most ({self.at_most}); swap them")
        return self


class _RuleEntry(_Section):
    name: Name
    days: _Days
    quantity: _Quantity = _Quantity()
    discount: Percent


class _Floors(_Section):
    default: Percent
    categories: dict[Name, Percent] = {}


class _RuleFile(_Section):
    floors: _Floors
    rules: list[_RuleEntry]
    categories: dict[Name, list[_RuleEntry]] = {}


def current_rules() -> RuleTable:
    """The rules in force."""
    return load_rules(rules_path())


def rules_path() -> Path:
    """The file of the rules in force: `GROUNDWORK_PRICING_RULES`, else the packaged one."""
    return settings().pricing_rules or PACKAGED


def load_rules(path: Path) -> RuleTable:
    """The rule table in `path`; read again when the file has changed."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise InvalidRules(
            path=path, problem=f"{error.strerror}. Create it or unset GROUNDWORK_PRICING_RULES."
        ) from None
    return _load(path, changed)


@lru_cache(maxsize=8)
def _load(path: Path, _changed: int) -> RuleTable:
    try:
        entries = _RuleFile.model_validate(read_yaml(path))
    except ValidationError as error:
        raise InvalidRules(path=path, problem=_in_sentences(error)) from None
    table = RuleTable(
        rules=tuple(map(_rule, entries.rules)),
        categories={name: tuple(map(_rule, rules)) for name, rules in entries.categories.items()},
        default_floor=entries.floors.default,
        floors=entries.floors.categories,
    )
    _refuse_doubled_names(table, path=path)
    _refuse_shadowed(table, path=path)
    return table


def _rule(entry: _RuleEntry) -> Rule:
    return Rule(
        name=entry.name,
        min_days=entry.days.first,
        max_days=entry.days.last,
        min_quantity=entry.quantity.at_least,
        max_quantity=entry.quantity.at_most,
        discount=entry.discount,
    )


def _in_sentences(error: ValidationError) -> str:
    sentences = []
    for problem in error.errors(include_url=False):
        field = ".".join(str(part) for part in problem["loc"]) or "the file"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"is not a known key. {_nearest(str(problem['loc'][-1]))}"
        elif problem["type"] != "value_error" and problem["type"] != "missing":
            message = f"{message} (it is {problem['input']!r})"
        elif problem["type"] == "missing":
            message = "is missing; add it"
        sentences.append(f"{field}: {message.rstrip('.')}.")
    return " ".join(sentences)


def _nearest(key: str) -> str:
    kinds: list[type[_Section]] = [_RuleFile, _Floors, _RuleEntry, _Days, _Quantity]
    known = {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}
    return did_you_mean(key, known, otherwise="Remove it.")


def _refuse_doubled_names(table: RuleTable, *, path: Path) -> None:
    everything = [rule for rules in (table.rules, *table.categories.values()) for rule in rules]
    for name, count in Counter(rule.name for rule in everything).items():
        if count > 1:
            raise InvalidRules(
                path=path, problem=f'{count} rules are called "{name}". Give each its own name.'
            )


def _refuse_shadowed(table: RuleTable, *, path: Path) -> None:
    for place, rules in {"rules": table.rules, **table.categories}.items():
        for name, earlier in shadows_of(rules).items():
            above = ", ".join(f'"{other}"' for other in earlier)
            raise InvalidRules(
                path=path,
                problem=f'in {place} the rule "{name}" can never match: {above} above it take all its cases. '
                "Move it up, or narrow its days or quantity to what is left.",
            )
