"""What architectures on a pretrained backbone share: weights files, feature scales, the head."""
