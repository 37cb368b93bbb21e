"""The console: pages in a browser for whoever runs the service, on the sign-in and roles of `accounts`."""
