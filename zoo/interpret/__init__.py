"""Why a run answers so: each image as a case, its maps with a verdict, and a data set as a whole.

It may import `zoo.runs`, `zoo.checks` and what is below them, not `zoo.training` beside it.
"""
