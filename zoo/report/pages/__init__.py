"""One page a module: what an evaluation, a comparison, a check, an audit or a run looks like.

It may import `zoo.report.figures`, the modules of `zoo.report` and what is below them.
"""
