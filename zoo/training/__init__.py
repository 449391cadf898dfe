"""From a plan and verified data to finished weights, here or as one of many cells.

It may import `zoo.runs`, `zoo.checks` and what is below them, not `zoo.interpret` beside it.
"""
