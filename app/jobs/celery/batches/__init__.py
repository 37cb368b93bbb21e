"""Claims and finishes of many jobs in one statement each, by the worker's main process for its children."""
