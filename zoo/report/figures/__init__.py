"""One kind of figure a module, each given as a drawing, or many pictures as PNG.

It may import the modules of `zoo.report` and what is below them, but no page.
"""
