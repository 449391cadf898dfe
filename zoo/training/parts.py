"""A training step that computes its batch in parts, on one or several devices.

Keras's own `gradient_accumulation_steps` takes several batches for one step. The running mean of
the weights then moves with each of them, a step may begin in one epoch and end in the next, and
on several devices it fails. Here the batch stays one, and each of its images counts alike wherever
it is computed: in a last part or on a device that got fewer, too.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class PartwiseModel(keras.Model):
    """A functional model whose step adds up the gradients of `parts` of its batch."""

    parts = 1

    def train_step(self, data: Any) -> Any:
        """Fit one batch `(inputs, targets, weights)` and return loss and metrics."""
        inputs, targets, weights = data
        here = tf.shape(inputs)[0]
        strategy = tf.distribute.get_strategy()
        replicas, everywhere = strategy.num_replicas_in_sync, here
        if replicas > 1:
            sums = tf.distribute.get_replica_context()
            everywhere = sums.all_reduce(tf.distribute.ReduceOp.SUM, here)

        def computed(batch: Any) -> tuple[Any, Any, list[Any]]:
            pixels, wanted, counted = batch
            # A loss is the mean over the part, and divided by the devices.
            share = tf.shape(pixels)[0] * replicas / everywhere
            with tf.GradientTape() as tape:
                logits = self(pixels, training=True)
                loss = self.compute_loss(
                    x=pixels, y=wanted, y_pred=logits, sample_weight=counted, training=True
                ) * tf.cast(share, "float32")
                scaled = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, self.trainable_weights, unconnected_gradients="zero")
            return loss, logits, gradients

        if self.parts == 1:
            loss, logits, gradients = computed((inputs, targets, weights))
        else:
            loss, logits, gradients = self._in_turn(computed, (inputs, targets, weights), here)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        # What is told of an epoch is the mean over its images.
        own = tf.math.divide_no_nan(loss * tf.cast(everywhere, "float32"), tf.cast(here, "float32"))
        self._loss_tracker.update_state(own, sample_weight=here)
        return self.compute_metrics(inputs, targets, logits, sample_weight=weights)

    def _in_turn(self, computed: Any, batch: Any, rows: Any) -> tuple[Any, Any, list[Any]]:
        """Compute the parts one after the other; memory holds the activations of one."""
        size = tf.maximum((rows + self.parts - 1) // self.parts, 1)
        classes = self.output_shape[-1]

        def body(start: Any, loss: Any, logits: Any, gradients: Any) -> Any:
            part = [tensor[start : start + size] for tensor in batch]
            own, answered, found = computed(part)
            answered = tf.cast(answered, "float32")
            together = [one + other for one, other in zip(gradients, found, strict=True)]
            return start + size, loss + own, tf.concat([logits, answered], 0), together

        nothing = tf.zeros((0, classes))
        start = (0, 0.0, nothing, [tf.zeros_like(weight) for weight in self.trainable_weights])
        shapes = (
            tf.TensorShape([]),
            tf.TensorShape([]),
            tf.TensorShape([None, classes]),
            [tf.TensorShape(weight.shape) for weight in self.trainable_weights],
        )
        _, loss, logits, gradients = tf.while_loop(
            lambda begun, *_: begun < rows,
            body,
            start,
            shape_invariants=shapes,
            parallel_iterations=1,
        )
        return loss, logits, gradients
