"""The life of a worker: started until it consumes, watched while it does, drained before it ends."""
