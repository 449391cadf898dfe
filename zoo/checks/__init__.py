"""What may be wrong with a data set, one topic a module; `zoo.workflows.check` puts them together.

It may import `zoo.network` and what is below it, not `zoo.runs` beside it.
"""
