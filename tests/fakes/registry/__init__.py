"""A registry of images: speaks the OCI distribution protocol, loses connections, and fails as it is told."""

from tests.fakes.registry.facts import LOSES_ANSWER, PASSWORD, USER, Planned, digest_of
from tests.fakes.registry.server import FakeRegistry

__all__ = ["LOSES_ANSWER", "PASSWORD", "USER", "FakeRegistry", "Planned", "digest_of"]
