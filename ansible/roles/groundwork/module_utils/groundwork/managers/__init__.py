"""Who runs the services: systemd or supervisord."""
