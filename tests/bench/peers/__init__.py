"""Other task queues, each on the settings that served it best. They run in environments of their own."""
