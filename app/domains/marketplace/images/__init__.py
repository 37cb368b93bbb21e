"""Container images: read from archives, pushed to a registry, scanned for vulnerabilities."""
