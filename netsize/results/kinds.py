"""What kinds of layers are called. Every kind that a formula has stands here."""

from typing import NamedTuple


class Kind(NamedTuple):
    """`label`: as the homework numbers its layers; `plural`: in a sentence."""

    label: str
    plural: str


KINDS = {
    "conv": Kind("Convolution Layer", "convolutions"),
    "conv_transpose": Kind("Transposed Convolution Layer", "transposed convolutions"),
    "linear": Kind("Fully Connected Layer", "fully connected layers"),
    "bilinear": Kind("Bilinear Layer", "bilinear layers"),
    "matmul": Kind("Matrix Product", "matrix products"),
    "attention": Kind("Attention Product", "attention products"),
    "experts": Kind("Experts Layer", "experts"),
    "recurrent": Kind("Recurrent Layer", "recurrent layers"),
    "embedding": Kind("Embedding Layer", "embeddings"),
    "distance": Kind("Radial Basis Layer", "radial basis units"),
    "custom": Kind("Custom Layer", "custom operations"),
    "pooling": Kind("Pooling Layer", "pools"),
}
