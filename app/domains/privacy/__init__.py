"""Privacy: what is held about a person, erased."""
