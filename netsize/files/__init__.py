"""Files: read through a declared schema, with a place in every complaint; written whole or not at all; entries of the
user's cache folder. It may import `errors`, and no torch.

A kind of file is a `msgspec.Struct` beside what uses it, given to `reading.read_json`, or to `reading.fit`.
"""
