"""Flower's settings; `groundwork flower` hands this file to Flower, which runs it as its configuration."""

from __future__ import annotations

from app.config import refuse_weak_secret, settings

_settings = settings()
_password = _settings.flower_password.get_secret_value()
refuse_weak_secret(name="GROUNDWORK_FLOWER_PASSWORD", value=_password)

# Flower can send any task and stop any worker: it is for this host only. Reach it through an SSH tunnel.
address = "127.0.0.1"
port = _settings.flower_port
basic_auth = [f"{_settings.flower_user}:{_password}"]
