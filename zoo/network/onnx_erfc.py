"""What tf2onnx lacks for Keras's exact GELU: the complement of the error function."""

from __future__ import annotations

from typing import Any

import numpy as np
from tf2onnx import utils
from tf2onnx.handler import tf_op


@tf_op("Erfc")  # importing this module is enough for tf2onnx to know it
class Erfc:
    """Erfc(x) is 1 - Erf(x), which ONNX has since its version 9."""

    @classmethod
    def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
        """Put the two in the place of the one."""
        shapes, dtypes, output = node.output_shapes, node.output_dtypes, node.output[0]
        erf = ctx.make_node("Erf", [node.input[0]], shapes=shapes, dtypes=dtypes)
        kind = utils.map_onnx_to_numpy_type(dtypes[0])
        one = ctx.make_const(utils.make_name("one"), np.array(1, kind))
        ctx.remove_node(node.name)
        parts = [one.output[0], erf.output[0]]
        ctx.make_node("Sub", parts, outputs=[output], shapes=shapes, dtypes=dtypes)
