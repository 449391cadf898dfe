"""Architectures and data set readers, one plugin a file; found through the entry points `zoo`."""
