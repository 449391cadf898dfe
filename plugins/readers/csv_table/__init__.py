"""A table of images: a `.csv` or `.tsv` file with a header and a row an image or a finding.

Published tables are known by their columns, others have `path`, `label` and, when there, `patient`
and `split`; options name other columns. Every column can be asked for as an attribute. Images are
not opened while the table is read; one that is missing is reported when it is needed.
"""

from __future__ import annotations

from zoo import Dataset, hookimpl


@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index a table, or a folder of images without class folders whose images one table names.

    Options: the columns `path`, `label`, `patient`, `split`, `reader` (who read the image);
    `patients` (a rule for paths); `root` (where the paths begin); `find` ('path', or 'name': below
    the root, whatever the folder and the ending; both when left out); `where` (rows to use, as
    `view:PA`); `finding` (one against the rest, or against the one named by `against`);
    `uncertain` and `blank` (what such cells count as); `classes` (the labels to use, or the columns
    of 1 and 0 where no column holds labels, each with a name if wanted: `0:NORMAL,1:PNEUMONIA`);
    `boxes` (the column or the four columns with boxes of findings), `runs` (masks as run lengths)
    and `frame` (the size of the image that they were drawn on, `SIDE` or `WIDTHxHEIGHT`); `masks`
    (the columns with mask files); `subject` (what the images show).
    """
    from plugins.readers.csv_table.indexing import opened  # `zoo list` needs none of it

    return opened(location, options)
