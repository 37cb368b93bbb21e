"""The monitor: sees what breaks the way of jobs itself, which the health check, a job, could not tell of."""
