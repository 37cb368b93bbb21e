"""gunicorn's settings; `groundwork serve` hands this module to gunicorn."""

from __future__ import annotations

from app.config import settings

# Under systemd the socket is handed over (LISTEN_FDS) and takes the place of this address.
bind = [f"{settings().api_host}:{settings().api_port}"]
workers = settings().api_workers
# gunicorn's own worker reloads under load without dropping a request; uvicorn's worker resets connections.
worker_class = "asgi"
# A proxy keeps its connections for longer than gunicorn's 2 s; the side that closes first wins a race with
# the next request, so it should not be the server.
keepalive = 75
# Below TimeoutStopSec of the unit, so that gunicorn and not systemd ends the last requests.
graceful_timeout = 30
# Without a startup that completes there is no API to offer: stop, and let the supervisor say so.
asgi_lifespan = "on"
# It would write below the home folder, which a service has none of; nothing here uses it.
control_socket_disable = True
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108
