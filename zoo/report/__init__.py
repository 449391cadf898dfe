"""Results made visible: figures, overlays, tables and self-contained pages."""
