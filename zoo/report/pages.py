"""One door to the pages; each module beside this one holds one of them."""

from __future__ import annotations

from zoo.report.card import model_card
from zoo.report.case_page import case_page
from zoo.report.check_page import check_page
from zoo.report.comparison_page import comparison_page
from zoo.report.evaluation_page import evaluation_page
from zoo.report.index_page import index_page
from zoo.report.learning_page import learning_page

__all__ = [
    "case_page",
    "check_page",
    "comparison_page",
    "evaluation_page",
    "index_page",
    "learning_page",
    "model_card",
]
