"""Whether the service works: probes, the doctor, and a job through every queue."""
