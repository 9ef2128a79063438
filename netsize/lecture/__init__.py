"""The lecture: formulas for units, connections and weights, windows, receptive fields, derivations step by step, and
the calculator. Plain arithmetic that a student can read: it may import nothing of netsize but `errors`, and no torch.

A new kind of layer begins here: a class in `formulas` or `products`, and how it is derived in `derivation` or
`product_steps`.
"""
