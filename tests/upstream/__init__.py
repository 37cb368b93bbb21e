"""The tests of kombu and Celery, as their source packages bring them, on our transport and our pools."""
