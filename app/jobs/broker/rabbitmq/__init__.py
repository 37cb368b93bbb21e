"""RabbitMQ as the broker: a quorum queue for each list, and publisher confirms."""
