"""What may serve as a secret."""

from __future__ import annotations

from itertools import pairwise

from app.settings.sources import ConfigError

#: 32 characters of `secrets.token_urlsafe` are 192 bits; anything shorter was typed by a person.
MIN_SECRET_LENGTH = 32
#: Of 32 random hexadecimal digits, the poorest alphabet, fewer are different once in 28 million.
MIN_DIFFERENT = 8
#: What a hand types along: in order, and along the rows and columns of keyboards.
SEQUENCES = (
    *("01234567890", "abcdefghijklmnopqrstuvwxyz"),
    *("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol", "0p"),
)
#: Of the steps from one character to the next, so many are along a sequence (or none at all) in 32 random
#: hexadecimal digits less than once in 100 million.
MAX_SHARE_IN_SEQUENCE = 2 / 3
_STEPS = frozenset(step for row in SEQUENCES for way in (row, row[::-1]) for step in pairwise(way))
DEFAULT_SECRETS = frozenset({"change-me", "changeme", "secret", "password", "admin", "groundwork"})


class DefaultSecret(ConfigError):
    """Raised when a secret is missing, a well-known default, or short enough to be guessed."""

    def __init__(self, *, name: str, problem: str) -> None:
        super().__init__(
            f"Refusing to start: {name} {problem}. Set it to a random value of at least "
            f'{MIN_SECRET_LENGTH} characters, for example from: python3 -c "import secrets; '
            f'print(secrets.token_urlsafe(32))"'
        )


def refuse_weak_secret(*, name: str, value: str) -> None:
    """Raise `DefaultSecret` unless `value` can serve as the secret called `name`."""
    if not value:
        raise DefaultSecret(name=name, problem="is not set")
    if value.lower() in DEFAULT_SECRETS:
        raise DefaultSecret(name=name, problem=f'is still the default "{value}"')
    if len(value) < MIN_SECRET_LENGTH:
        raise DefaultSecret(name=name, problem=f"has {len(value)} characters")
    if len(set(value)) < MIN_DIFFERENT or value in (value + value)[1:-1]:
        raise DefaultSecret(name=name, problem="repeats a few characters")
    if _follows_sequences(value.lower()):
        raise DefaultSecret(name=name, problem="follows the alphabet, the digits or the keys of a keyboard")


def _follows_sequences(text: str) -> bool:
    steps = list(pairwise(text))
    return sum(step in _STEPS or step[0] == step[1] for step in steps) > MAX_SHARE_IN_SEQUENCE * len(steps)
