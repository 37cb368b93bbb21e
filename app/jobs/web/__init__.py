"""Jobs over HTTP: routes, schemas, events and metrics."""
