"""What the explainers on tf-keras-vis share: the network made ready once, layers, chunks, size."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from explain.checks import check_targets
from explain.kept import kept
from zoo import Attribution, Classifier, Images, InvalidSetting
from zoo.base import interruption
from zoo.base.explanations import LAST_FEATURES

if TYPE_CHECKING:
    import numpy as np

CHUNK = 8
"""Images a pass: gradients keep 100 MB an image of a network like EfficientNet at 224 pixels."""
SHARED_CHUNK = 32
"""Images a call where the classifier works through them in parts of its own and remembers them."""

Maps = Callable[["np.ndarray", Sequence[int]], "np.ndarray"]


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Import tf-keras-vis without its warning.

    It takes `zoom` from a namespace that SciPy has deprecated; nothing here can mend that.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Please import `zoom`", DeprecationWarning)
        yield


@kept
def featured_network(classifier: Classifier) -> Any:
    """Give what comes behind the frame as tf-keras-vis calls it: a list in, a list out.

    Its layer `LAST_FEATURES` has the feature map. The weights are shared, unless a layer computes
    in half precision: then it is a float32 copy, for gradients of 8 bits are too coarse to draw.
    """
    import keras

    model = classifier.featured_model
    return keras.Model(list(model.inputs), list(model.outputs))


def check_features(classifier: Classifier, method: str) -> None:
    """Refuse a network without a feature map.

    Raises:
        InvalidSetting: the network has no feature map of rows and columns, or several.
    """
    if not classifier.differentiable:
        raise InvalidSetting(
            f"'{method}' was asked of a network that came as an ONNX file; it needs its features "
            "and gradients. Use 'shap', 'occlusion', 'rise' or 'lime' instead."
        )
    if classifier.feature_layer is None:
        raise no_feature_map(method)


def no_feature_map(method: str) -> InvalidSetting:
    """Say that a method cannot be asked of a network."""
    return InvalidSetting(
        f"'{method}' was asked of a network without a convolution, of a transformer or of an "
        "ensemble; it needs one feature map of rows and columns that all logits depend on. Use "
        "'saliency', 'smoothgrad', 'shap', 'occlusion' or 'rise' instead ('gradcam' of a "
        "transformer or an ensemble)."
    )


def target_logits(targets: Sequence[int]) -> Callable[[Any], Any]:
    """Give the score that is explained: the logit of each image's own target."""
    import tensorflow as tf

    return lambda logits: tf.gather(logits, tf.constant(targets, tf.int32), batch_dims=1)


def attributions(
    method: str,
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    maps: Maps,
    chunk: int = CHUNK,
) -> list[Attribution]:
    """Call `maps(pixels, targets)` on `chunk` images at a time and wrap what it returns.

    `maps` takes `(batch, height, width, channels)` uint8 pixels and returns
    `(batch, height, width)`. Images that are no more than a chunk are passed as the very array
    that they are, by which the classifier knows them again.

    Raises:
        InvalidSetting: a target that is not one of the classes.
    """
    import numpy as np

    check_targets(classifier, targets)
    made: list[Attribution] = []
    for start in range(0, len(targets), chunk):
        interruption.check()
        wanted = [int(target) for target in targets[start : start + chunk]]
        whole = len(targets) <= chunk
        pixels = images.pixels if whole else images.pixels[start : start + chunk]
        values = np.asarray(maps(pixels, wanted), np.float32)
        made += [
            Attribution(method, target, map_) for target, map_ in zip(wanted, values, strict=True)
        ]
    return made


def class_activations(
    method: str,
    visualiser: Callable[[Any], Callable[..., Any]],
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    score: Callable[[Sequence[int]], Callable[[Any], Any]] = target_logits,
) -> list[Attribution]:
    """Map images by a gradient method of tf-keras-vis at the last feature map, in raw values.

    `visualiser` is its class; `score` gives what is explained for a chunk's targets.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    import numpy as np

    check_features(classifier, method)
    draw = visualiser(featured_network(classifier))

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        coarse = draw(
            score(wanted),
            classifier.seen(pixels),
            penultimate_layer=LAST_FEATURES,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
            unconnected_gradients="zero",
        )
        # (The enlargement of tf-keras-vis pins the corners, which moves a 7 x 7 map by up to 16 of
        # 224 pixels.)
        return classifier.place(np.asarray(coarse), pixels)

    return attributions(method, classifier, images, targets, maps)
