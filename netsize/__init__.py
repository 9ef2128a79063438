"""netsize counts a neural network's units, connections and weights, and verifies every count by running it."""

__version__ = "0.1.0"
