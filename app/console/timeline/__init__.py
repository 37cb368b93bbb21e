"""The timeline: what ended, failed and was slow, above what happened meanwhile."""
