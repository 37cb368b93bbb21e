"""kombu's Redis transport, hardened: lost connections, garbage, and messages that are not acknowledged."""
