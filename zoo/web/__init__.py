"""A run over HTTP: `service` is the API, `app` the pages on top of it.

It may import `zoo.workflows` and what is below it; only `zoo.cli` imports it.
"""
