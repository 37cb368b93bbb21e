"""Sensitive arguments: sealed in the ledger and on the wire, opened only for the task's body."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography.fernet import InvalidToken

from app.db.encryption import cipher, renewed
from app.jobs.errors import WrongKey
from app.jobs.ledger.encoding import encode
from app.values.typed_json import from_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SEAL = "$sealed"
#: What every token begins with: its version, and a time before the year 2106. Source: the Fernet spec.
BEGINNING = "gAAAAA"
MASK = "***"
PURPOSE = "arguments"


def seal(value: Any) -> dict[str, str]:
    """`value` as an object that tells nothing but its length."""
    return {SEAL: cipher(PURPOSE).encrypt(encode(value, what="A sensitive argument").encode()).decode()}


def is_sealed(value: Any) -> bool:
    """Whether `value` was made by `seal`; a caller's own data may have the same key."""
    if not isinstance(value, dict) or set(value) != {SEAL}:
        return False
    return isinstance(value[SEAL], str) and value[SEAL].startswith(BEGINNING)


def unseal(value: Any) -> Any:
    """The value inside a sealed one; any other value as it is."""
    if not is_sealed(value):
        return value
    try:
        return from_json(cipher(PURPOSE).decrypt(value[SEAL].encode()))
    except InvalidToken:
        raise WrongKey from None


def seal_named(arguments: Mapping[str, Any], *, names: Collection[str]) -> dict[str, Any]:
    """`arguments` with those in `names` sealed; what is sealed already stays so, under the first key."""
    return {name: sealed_once(value) if name in names else value for name, value in arguments.items()}


def sealed_once(value: Any) -> Any:
    """`value` sealed; one that is sealed already stays so, under the first key if it can be opened."""
    if not is_sealed(value):
        return seal(value)
    with suppress(WrongKey):
        return renewed_within(value)
    return value


def renewed_within(value: Any) -> Any:
    """`value` with all that is sealed in it, at any depth, under the first key. Raises `WrongKey`."""
    if is_sealed(value):
        try:
            return {SEAL: renewed(PURPOSE, value[SEAL])}
        except InvalidToken:
            raise WrongKey from None
    if isinstance(value, dict):
        return {name: renewed_within(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [renewed_within(inner) for inner in value]
    return value


def mask(value: Any) -> Any:
    """`value` for a person's eyes: sealed parts, at any depth, become `***`."""
    if is_sealed(value):
        return MASK
    if isinstance(value, dict):
        return {name: mask(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask(inner) for inner in value]
    return value
