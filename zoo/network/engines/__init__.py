"""Other libraries than Keras that answer with a trained network: converted, compared, kept."""
