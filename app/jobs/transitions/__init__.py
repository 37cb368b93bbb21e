"""How jobs change their state: attempts, their ends, recovery and what is summed up afterwards."""
