"""Architectures, readers of data sets and image formats; each plugin is found by its entry point.

A plugin imports `zoo` and `zoo.base`, never another plugin.
"""
