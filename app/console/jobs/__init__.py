"""What the pages of jobs ask and do: the list, one job, and what is done to them."""
