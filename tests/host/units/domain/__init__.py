"""Work for the units' tests; put into the release of a host as a domain of its own, and taken out again."""
