"""Arithmetic of sliding windows along one axis: how many there are, and what they cover.

A window at position o covers the elements o * stride - padding + k * dilation, k = 0 .. kernel - 1. Those
below 0 or from `size` on lie in the padding. (Dumoulin and Visin 2016, "A guide to convolution arithmetic".)
"""


def window_count(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1: relationship 15 of the guide."""
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def window_count_ceil(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """As `window_count`, rounded up (ceil_mode of torch's pools), but no window may start beyond the
    right edge of the input: it would see nothing but padding."""
    count = -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def transposed_count(size: int, kernel: int, stride: int, padding: int, dilation: int, extra: int) -> int:
    """Outputs of a transposed convolution with output_padding `extra`: relationship 14 of the guide."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1


def taps_inside(positions: int, kernel: int, stride: int, padding: int, dilation: int, size: int) -> int:
    """Pairs (position o < positions, tap k < kernel) with 0 <= o * stride - padding + k * dilation < size.

    For a convolution, o counts outputs and `size` is that of the input. For a transposed one the roles
    change: o counts inputs, and `size` is that of the output.
    """
    pairs = 0
    for tap in range(kernel):
        offset = tap * dilation - padding
        first = max(0, -(offset // stride))  # ceil(-offset / stride)
        last = min(positions - 1, (size - 1 - offset) // stride)
        pairs += max(0, last - first + 1)
    return pairs


def adaptive_taps(size: int, outputs: int) -> int:
    """Elements seen by all windows of an adaptive pool: window o reaches from floor(o size / outputs) up
    to, and without, ceil((o + 1) size / outputs) (torch's adaptive pooling); they may overlap."""
    return sum(-(-(o + 1) * size // outputs) - o * size // outputs for o in range(outputs))
