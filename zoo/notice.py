"""The sentence that stands wherever a prediction is shown."""

DISCLAIMER = "For research and teaching only. Not a medical device."
