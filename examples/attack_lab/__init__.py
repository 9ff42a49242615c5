"""The attack lab: a man in the middle against a model of the original design, and against otls."""
