"""Parts of ours in the place of kombu's and Celery's: `pytest -p tests.upstream.in_place.transport`."""
