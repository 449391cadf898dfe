"""Architectures, one a module or folder; the host finds them by entry point."""
