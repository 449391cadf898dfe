"""Numbers from numbers: scores, intervals, tests, calibration; no Keras, no run, no picture.

It may import `zoo.base`.
"""
