"""What a host is to run, and what it runs: instances, files, fingerprints."""
