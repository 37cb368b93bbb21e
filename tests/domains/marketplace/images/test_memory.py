"""The bench of pushing, small: memory does not grow with the layer, and a cut costs a part of a chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.marketplace.images.uploads import CHUNK_BYTES
from tests.bench import push

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 48 * push.MIB


def test_a_layer_is_pushed_over_three_cuts_in_bounded_memory(tmp_path: Path) -> None:
    path = push.archive(tmp_path, size=SIZE)
    assert path.stat().st_blocks * 512 < push.MIB

    found = push.measured(path, size=SIZE, cuts=push.cut_at(SIZE))

    assert found.peak - found.before < 40
    assert 0 < found.again <= 3 * CHUNK_BYTES
