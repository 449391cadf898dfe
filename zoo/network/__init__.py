"""A Keras network: made flat, asked, differentiated, its cached features and its export formats.

It may import `zoo.data` and what is below it.
"""
