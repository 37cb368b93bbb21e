"""The doors to queues: the command line, HTTP, metrics."""
