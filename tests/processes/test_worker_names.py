"""Workers that take over from each other have names that differ."""

from __future__ import annotations

import pytest

from app.processes.worker_names import generation_of, node_of, without_generation


def test_a_worker_alone_has_the_plain_name() -> None:
    assert node_of("standard") == "standard@%h"


@pytest.mark.parametrize("generation", [1, 2, 12])
def test_all_generations_are_one_node_and_know_which_they_are(generation: int) -> None:
    name = node_of("standard", generation=generation).replace("%h", "host-1.example.org")

    assert without_generation(name) == "standard@host-1.example.org"
    assert generation_of(name) == generation
