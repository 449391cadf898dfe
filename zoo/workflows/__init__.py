"""One module for each public function: it joins the folders below and writes what is drawn.

It may import `zoo.report` and what is below it.
"""
