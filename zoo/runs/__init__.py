"""The run folder, and what a finished run answers: a class, or a refusal.

It may import `zoo.network` and what is below it, not `zoo.checks` beside it.
"""
