"""How a trial of a tuning ended, in the words of `tuning.json`."""

from __future__ import annotations

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"
"""Trained on all folds; given up as it fell behind; not to be trained with its settings."""
