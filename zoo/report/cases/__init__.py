"""Images that were explained: their page, panel, record and index.

It may import the modules of `zoo.report`, `zoo.interpret` and what is below it.
"""
