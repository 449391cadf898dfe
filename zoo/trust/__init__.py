"""Whether a heat map means anything: controls, perturbation, randomisation, stability."""
