"""What people are told of their own work and of their invoices, at an hour of their own clock."""
