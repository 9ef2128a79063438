"""Networks that are graphs in a file (ONNX): read, walked node by node, counted by the lecture's formulas, and run. A
wing beside `trace`, which does the same for what torch executes. It may import `sources` (how inputs are written),
`facts` and `lecture`; onnx, and onnxruntime where it is installed, are imported when a graph is read.

An operator is added in `operators`: a function that reads its attributes and shapes into a formula, under its name in
READERS; one without connections in `silent`.
"""
