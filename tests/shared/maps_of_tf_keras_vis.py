"""Maps of tf-keras-vis, which others keep: what ours are compared with."""

from __future__ import annotations

import warnings

import numpy as np

from zoo.base.explanations import LAST_FEATURES

with warnings.catch_warnings():  # it takes `zoom` from a namespace that SciPy has deprecated
    warnings.filterwarnings("ignore", "Please import `zoom`", DeprecationWarning)
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam

CAMS = {"gradcam": Gradcam, "gradcam++": GradcamPlusPlus}
AT_FEATURES = {
    "penultimate_layer": LAST_FEATURES,
    "seek_penultimate_conv_layer": False,
    "expand_cam": False,
    "normalize_cam": False,
}


def network_of(classifier):
    """Give the network as tf-keras-vis calls it: a list in, a list out."""
    import keras

    model = classifier.featured_model
    return keras.Model(list(model.inputs), list(model.outputs))


def logits_of(targets, levelled=False):
    """Give the score: the logit of each image's own target, or zero with the same gradient.

    Grad-CAM++ takes its exponential as a factor of the whole map.
    """
    import tensorflow as tf

    def score(logits):
        value = tf.gather(logits, tf.constant(targets, tf.int32), batch_dims=1)
        return value - tf.stop_gradient(value) if levelled else value

    return score


def activations(method, classifier, pixels, targets):
    """Return `(batch, height, width)` maps by Grad-CAM or Grad-CAM++, placed as ours are."""
    visualiser = CAMS[method](network_of(classifier))
    score = logits_of(targets, levelled=method == "gradcam++")
    seen = classifier.seen(pixels)
    coarse = visualiser(score, seen, unconnected_gradients="zero", **AT_FEATURES)
    # Its own enlargement pins the corners, which moves a 7 x 7 map by up to 16 of 224 pixels.
    return classifier.place(np.asarray(coarse), pixels)


def saliency(classifier, pixels, targets):
    """Return `(batch, height, width)` largest absolute gradients."""
    visualiser = Saliency(network_of(classifier))
    return visualiser(logits_of(targets), pixels.astype(np.float32), normalize_map=False)


def scorecam(classifier, pixels, targets, channels):
    """Return `(batch, height, width)` maps by that many channels."""
    visualiser = Scorecam(network_of(classifier))
    shown = pixels.astype(np.float32)
    coarse = visualiser(logits_of(targets), shown, max_N=channels, **AT_FEATURES)
    return classifier.place(np.asarray(coarse), pixels)
