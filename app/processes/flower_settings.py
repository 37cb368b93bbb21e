"""Flower's settings; `groundwork flower` hands this file to Flower, which runs it as its configuration."""

from __future__ import annotations

from app import freeze_loaded
from app.logs.configure import configure_logging
from app.processes.command_lines import flower_credentials, log_file
from app.settings.config import settings

configure_logging("flower", log_file("flower"))
freeze_loaded()
# Otherwise Tornado takes the level of the root logger over.
logging = "none"

# Flower can send any task and stop any worker: it is for this host only. Reach it through an SSH tunnel.
address = "127.0.0.1"
port = settings().flower_port
url_prefix = settings().flower_url_prefix
basic_auth = [flower_credentials()]
