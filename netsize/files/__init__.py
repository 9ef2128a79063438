"""Files: read through a declared schema, with a place in every complaint; written whole or not at all. It may import
`errors`, and no torch.
"""
