"""What a process says of itself: its log, its failures in one sentence, and nothing secret in either."""
