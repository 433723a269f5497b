"""What travels into the environment of a step: Falaj itself and the user's own code."""
