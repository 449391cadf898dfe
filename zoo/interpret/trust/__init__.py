"""Whether a heat map means anything: controls, perturbation, randomisation, stability.

It may import `zoo.runs` and what is below it.
"""
