"""Does a plugin keep what is promised? One check for each kind, for pytest and `zoo plugin check`.

    from zoo.testing import check_architecture, conforms

    def test_it_keeps_what_is_promised():
        conforms(check_architecture("mine"))

Each check returns verdicts: what was tried, whether it fits, what was seen, and the remedy.
"""

from zoo.testing.architectures import check_architecture as check_architecture
from zoo.testing.explainers import check_explainer as check_explainer
from zoo.testing.image_formats import check_image_format as check_image_format
from zoo.testing.readers import check_reader as check_reader
from zoo.testing.verdicts import Verdict as Verdict
from zoo.testing.verdicts import conforms as conforms
