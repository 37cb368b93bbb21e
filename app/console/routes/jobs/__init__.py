"""The pages of jobs, and what is done to jobs there."""
