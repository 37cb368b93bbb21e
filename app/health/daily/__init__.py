"""The daily mail: how the jobs of yesterday went, and what needs a person."""
