"""Running a network: with values or without, at once or piece by piece, for gradients, at many sizes, many at once;
from a MODEL to facts (`examination`), from a question to its answer (`answer`). It may import `trace` and what lies
below.

A new way of running goes here; whether a result may be remembered is decided in `answer`.
"""
