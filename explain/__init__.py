"""Explanation methods, one a file: each returns numbers and leaves drawing to the host.

A method imports `zoo`, `zoo.base` and what the methods share here, never another method.
"""
