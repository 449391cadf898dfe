"""One kind of figure a module, each given as the bytes of a PNG file.

It may import the modules of `zoo.report` and what is below them, but no page.
"""
