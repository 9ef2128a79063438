"""Watching a network: executed operations -> formulas, parameters and places of the input, and each counted operation
once more on ones. It may import `facts` and `lecture`, and of `sources` what gives parameters their values.

A new operation is a reader in `operations`, with its ones in `ones`; one that multiplies nothing, a name in
`silent_operations`; a function that torch takes apart first, a method in `composites`.
"""
