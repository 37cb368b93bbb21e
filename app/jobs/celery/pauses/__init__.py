"""How workers keep to pauses of queues."""
