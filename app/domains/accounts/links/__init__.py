"""Links sent by mail, each good once: to choose another password, to register, to confirm an address."""
