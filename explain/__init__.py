"""Explanation methods, one a file: each returns numbers and leaves drawing to the host."""
