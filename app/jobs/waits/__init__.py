"""Why a job that does not run waits: one cause, one sentence, and the figures in it."""
