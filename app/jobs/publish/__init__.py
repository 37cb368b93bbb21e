"""From the ledger to the broker: messages, sending them, and noting what was sent."""
