"""What the role's modules do, without a host."""
