"""kombu's AMQP transport, whose workers take a message only when a process is free, the most urgent first."""
