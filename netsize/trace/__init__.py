"""Watching a network: executed operations -> formulas, parameters and places of the input, and each counted operation
once more on ones. It may import `facts` and `lecture`, and of `sources` what gives parameters their values.

A new operation is a reader in `operations` or `products`, with its ones in `ones`; one that multiplies nothing, a name
in `silent_operations`; one that multiplies and is no layer, a number in `others`; a function that torch takes apart
first, a method in `composites`; a function of functions, its plain Python in `higher_order`.
"""
