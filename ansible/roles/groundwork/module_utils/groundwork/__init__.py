"""What the modules of this role share: a release on a host, its settings, its services."""
