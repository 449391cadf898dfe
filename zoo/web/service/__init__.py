"""A run as a service: checked uploads, a queue with a limit, an HTTP API, metrics, an audit log.

The command `zoo serve` and the application both stand on it. Importing this package loads neither
TensorFlow nor a web framework.
"""
