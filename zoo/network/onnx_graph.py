"""An ONNX graph as a layer of a network: it carries the file, and ONNX Runtime computes it.

Importing this module registers the layer, which Keras needs before it loads a network with it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.network.graph import PACKAGE
from zoo.network.onnx_session import CHANNELS_FIRST, check_runtime, in_batches, session_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@keras.saving.register_keras_serializable(PACKAGE)
class OnnxGraph(keras.layers.Layer):
    """Gives what an ONNX graph makes of pictures: `(batch, height, width, channels)` in.

    `bytes` is the length of the file, which is kept as the layer's only weight, `features` that of
    what it gives, `(batch, features)` float32. `channels_first` says that the graph takes
    `(batch, channels, height, width)`, `takes` of which type, `batch` how many at once (0: any
    number), `parameters` how many weights are in the file. The layer's own must not change once the
    graph was asked. No gradient passes it.
    """

    differentiable = False

    def __init__(
        self,
        bytes: int,  # noqa: A002
        features: int,
        channels_first: bool = False,
        takes: str = "float32",
        batch: int = 0,
        parameters: int = 0,
        **named: Any,
    ) -> None:
        check_runtime()
        super().__init__(**{"dtype": "float32", "trainable": False, **named})
        self.bytes, self.features = int(bytes), int(features)
        self.channels_first, self.takes, self.batch = bool(channels_first), takes, int(batch)
        self.parameters = int(parameters)
        self.content = self.add_weight(
            shape=(self.bytes,), dtype="uint8", initializer="zeros", trainable=False, name="onnx"
        )
        self.built = True
        self._session: InferenceSession | None = None
        self._making = threading.Lock()

    def call(self, pixels: Any) -> Any:
        """Return what the graph gives."""
        import tensorflow as tf

        given = tf.numpy_function(self._given, [pixels], tf.float32, stateful=False)
        given.set_shape((pixels.shape[0], self.features))
        return given

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of what it gives."""
        return (input_shape[0], self.features)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made from, but for the weight."""
        own = ("bytes", "features", "channels_first", "takes", "batch", "parameters")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

    def count_params(self) -> int:
        """Return how many weights are in the file."""
        return self.parameters

    @property
    def session(self) -> InferenceSession:
        """What computes the graph, made when it is first asked for.

        Raises:
            Exception: of many kinds, where the weight is no graph that can be computed.
        """
        with self._making:  # several threads may ask first; a session itself serves them all
            if self._session is None:
                self._session = session_of(np.asarray(self.content, np.uint8).tobytes())
            return self._session

    def _given(self, pixels: np.ndarray) -> np.ndarray:
        if self.channels_first:
            pixels = pixels.transpose(CHANNELS_FIRST)
        values = np.ascontiguousarray(pixels, self.takes)
        return in_batches(self.session, values, self.batch)
