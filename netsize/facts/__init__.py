"""What one forward pass wrote down, before any convention: as objects, as plain data and back, and remembered in the
user's cache folder. It may import `lecture`, and no torch: a remembered answer needs none.

A new fact is a field of a class in `network`.
"""
