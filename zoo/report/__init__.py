"""Results made visible: figures, overlays, tables and self-contained pages.

It may import `zoo.training`, `zoo.interpret` and what is below them.
"""
