"""The health check: looks at all that the service stands on, keeps what it found, and alerts on changes."""
