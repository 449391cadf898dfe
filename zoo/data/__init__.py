"""A data set before a network sees it: verified, divided by patient, streamed, its baselines.

It may import `zoo.stats` and what is below it.
"""
