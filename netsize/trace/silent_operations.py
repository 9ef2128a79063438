"""Operations known to carry no connections: they change, move, compare or create values.

Pointwise operations and views are known by torch's own marks; the rest is listed here by name, in-place ones
without their underscore. An operation that is neither here nor in operations.py is reported as uncounted.
"""

from functools import cache
from typing import Any

import torch

# fmt: off
MOVES = """
    alias as_strided cat chunk clone constant_pad_nd contiguous copy _to_copy detach diag_embed diagonal
    expand flip fold gather im2col col2im index index_select index_put lift lift_fresh
    lift_fresh_copy masked_scatter masked_select narrow_copy native_channel_shuffle channel_shuffle
    nonzero permute pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    repeat_interleave replication_pad1d replication_pad2d replication_pad3d _reshape_alias _reshape_copy reshape
    roll rot90 scatter select_scatter slice_scatter diagonal_scatter split split_with_sizes
    split_copy split_with_sizes_copy stack take take_along_dim tile trapezoid tril triu unfold
    unfold_copy unique_consecutive unique_dim _unique2 _unsafe_view unsafe_chunk unsafe_split
    unsafe_split_with_sizes view_copy where block_diag _pack_padded_sequence _pad_packed_sequence
    _cudnn_rnn_flatten_weight _unsafe_index _unsafe_index_put _assert_async _assert_scalar _assert_tensor_metadata
    unfold_backward embedding_renorm _linalg_check_errors is_same_size _has_same_storage_numel bincount histc
    bucketize searchsorted diagonal_copy index_copy index_fill hann_window hamming_window
    transpose t squeeze unsqueeze swapaxes swapdims
    set resize _resize_output _index_put_impl _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned
    _nested_tensor_from_tensor_list to_padded_tensor _nested_from_padded _nested_from_padded_tensor
    _jagged_to_padded_dense_forward _padded_dense_to_jagged_forward
"""
POINTWISE = """
    binary_cross_entropy binary_cross_entropy_with_logits floor_divide huber_loss isin kl_div mse_loss
    nll_loss_forward nll_loss2d_forward smooth_l1_loss trace xlogy
    addr complex fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine_cachemask hardsigmoid
    hardswish hardtanh leaky_relu log_sigmoid_forward mish _prelu_kernel prelu polar rrelu_with_noise rsub sub
    _thnn_fused_gru_cell _thnn_fused_lstm_cell
    _fused_moving_avg_obs_fq_helper _fused_dropout _masked_scale copysign special_entr erfinv
"""
COMPARES = """
    _is_all_true _is_any_true all amax amin aminmax any argmax argmin argsort count_nonzero equal kthvalue
    is_nonzero item _local_scalar_dense max median min mode msort nanmedian sort topk cummax cummin
    _cummax_helper _cummin_helper
"""
SUMS_AND_NORMALISES = """
    batch_norm _batch_norm_no_update _batch_norm_with_update cudnn_batch_norm miopen_batch_norm native_batch_norm
    _native_batch_norm_legit _native_batch_norm_legit_no_training native_group_norm native_layer_norm
    _fused_rms_norm local_response_norm softmax _softmax _safe_softmax _log_softmax log_softmax _weight_norm_interface
    cumsum cumprod logcumsumexp logsumexp mean nansum prod std std_mean var var_mean sum norm linalg_vector_norm
    linalg_norm renorm index_add scatter_add scatter_reduce
    index_reduce segment_reduce glu
"""
CREATES = """
    arange empty empty_like empty_permuted empty_strided eye fill full full_like linspace logspace new_empty
    new_empty_strided new_full new_ones new_zeros ones ones_like rand rand_like randint randint_like randn randn_like
    randperm scalar_tensor tril_indices triu_indices zeros zeros_like zero bernoulli normal
    uniform exponential random multinomial poisson cauchy geometric log_normal
    native_dropout dropout feature_dropout alpha_dropout vander range
"""
RESAMPLES = """
    affine_grid_generator grid_sampler_2d grid_sampler_3d max_unpool2d max_unpool3d
    upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d
"""
QUANTIZES = """
    quantize_per_tensor quantize_per_tensor_dynamic quantize_per_channel dequantize int_repr q_per_channel_scales
    q_per_channel_zero_points _make_per_tensor_quantized_tensor _make_per_channel_quantized_tensor
    _empty_affine_quantized _empty_per_channel_affine_quantized
"""
OF_QUANTIZED = """
    add add_out add_relu add_relu_out add_scalar add_scalar_relu mul mul_out mul_relu mul_scalar mul_scalar_relu cat
    cat_relu batch_norm batch_norm_relu batch_norm1d batch_norm2d batch_norm2d_relu batch_norm3d batch_norm3d_relu
    layer_norm group_norm instance_norm celu elu hardswish leaky_relu relu6 sigmoid softmax threshold prelu
"""
OUTSIDE_OF_ATEN = {
    "prim.device", "prim.layout", "prims.device_put", "torchvision.nms", "torchvision.roi_align",
    "torchvision.roi_pool", "torchvision.ps_roi_align", "torchvision.ps_roi_pool",
    # marks for the profiler, which DataParallel sets, too
    "profiler._record_function_enter", "profiler._record_function_enter_new", "profiler._record_function_exit",
}
COMMUNICATES = {"c10d", "_c10d_functional", "_c10d_functional_autograd", "fsdp"}  # whole libraries of operations
# fmt: on

_ELEMENTWISE = {f"aten.{name}" for name in (*POINTWISE.split(), "where")}
_NAMES = (
    {
        f"aten.{name}"
        for group in (MOVES, POINTWISE, COMPARES, SUMS_AND_NORMALISES, CREATES, RESAMPLES, QUANTIZES)
        for name in group.split()
    }
    | {f"quantized.{name}" for name in OF_QUANTIZED.split()}
    | OUTSIDE_OF_ATEN
)


@cache
def name_of(func: Any) -> str:
    """aten.add for aten.add.Tensor: an operation whatever the types of its arguments."""
    namespace, _, rest = func._schema.name.partition("::")
    return f"{namespace}.{rest}"


@cache
def is_silent(func: Any) -> bool:
    """Whether this operation is known to have no connections."""
    plain = name_of(func).removesuffix("_")
    return (
        torch.Tag.pointwise in func.tags
        or func.is_view
        or plain in _NAMES
        or _communicates(plain)
        or _is_pointwise(plain)
    )


def _communicates(name: str) -> bool:
    """It moves tensors between devices, and may add them up there."""
    return name.partition(".")[0] in COMMUNICATES


@cache
def is_elementwise(func: Any) -> bool:
    """Whether each element of the result comes from the elements at its place, broadcast."""
    plain = name_of(func).removesuffix("_")
    return torch.Tag.pointwise in func.tags or plain in _ELEMENTWISE or _is_pointwise(plain)


@cache
def _is_pointwise(plain: str) -> bool:
    """By the marks of the operation that is not in place: torch does not mark every in-place one."""
    namespace, _, rest = plain.partition(".")
    packet = getattr(getattr(torch.ops, namespace), rest, None) if namespace == "aten" else None
    overloads = [getattr(packet, overload) for overload in packet.overloads()] if packet is not None else []
    return any(torch.Tag.pointwise in overload.tags for overload in overloads)
