"""Image formats beside those that Pillow reads, one a folder."""
