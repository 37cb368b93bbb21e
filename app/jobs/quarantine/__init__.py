"""The quarantine: where workers put what came from a queue and is no message."""
