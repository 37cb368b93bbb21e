"""What ties the ledger to Celery: the task class, the result backend, sending, control and the heartbeat."""
