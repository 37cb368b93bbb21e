"""What a picture may be at most: its bytes, and what it would take to decode them."""

from __future__ import annotations

from datetime import timedelta

MIB = 1024 * 1024
MAX_BYTES = 20 * MIB
#: Four bytes each while they are decoded, and as many again while they are converted.
MAX_PIXELS = 25_000_000
MAX_SIDE = 16_384
MAX_PROFILE_BYTES = 1 * MIB
#: Pieces that are read until the header is known: millions of empty ones may come first. A GIF of 20 MiB has
#: 165,000, for whether it moves is seen at its end.
MAX_READS = 200_000
#: A JPEG is drawn once for each, though it may have 42 bytes. What only looks like one counts, too: some 300
#: in a film of 20 MiB that a camera has appended.
MAX_SCANS = 1_000
#: Decoding is ended between two blocks of 64 KiB, or killed.
MAX_TIME = timedelta(seconds=30)
KILLED_AFTER = 2 * MAX_TIME
