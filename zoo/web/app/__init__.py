"""The application in the browser: pages on top of the HTTP service, and nothing from elsewhere."""
