"""Several weights in one element: what packed numbers stand for, where the file or its configuration says so.

bitsandbytes writes the shape beside the tensor; GPTQ, AWQ and compressed-tensors pack 32 / bits numbers into one int32,
MXFP4 two into a byte, as `quantization_config` of the config.json in the same folder tells.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsize.errors import UnreadableFile
from netsize.files.reading import read_json
from netsize.lecture.formulas import Shape

# what belongs to the packing, and is no weight
CONSTANTS = (
    ".qzeros", ".scales", ".g_idx", ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".weight_shape",
    ".weight_scale", ".weight_scale_inv", ".weight_zero_point", ".weight_g_idx", ".weight_scale_2", ".input_scale",
    "_scales", ".SCB", ".weight_format",
)  # fmt: skip


@dataclass(frozen=True)
class Packing:
    """How weights are quantized, as the folder's config.json says it."""

    method: str = ""
    bits: int = 0

    def logical(self, name: str, shape: Shape, type: str) -> tuple[Shape, str] | None:
        """The shape and type that a tensor stands for; None for what belongs to the packing."""
        if not self.method:
            return shape, type
        each = 32 // self.bits if self.bits in (2, 4, 8) else 0
        if each and type == "int32" and len(shape) == 2 and name.endswith((".qweight", ".weight_packed")):
            rows, columns = shape
            along_rows = self.method == "gptq"  # the others pack along a row
            packed = (rows * each, columns) if along_rows else (rows, columns * each)
            return packed, f"{self.bits}-bit ({self.method})"
        if self.method == "mxfp4" and type == "uint8" and name.endswith("_blocks"):
            return (*shape[:-1], 2 * shape[-1]), "4-bit (mxfp4)"
        return None if name.endswith(CONSTANTS) else (shape, type)


def packing_beside(file: Path) -> Packing:
    """What the config.json in the same folder says, if there is one."""
    try:
        config: dict[str, Any] = read_json(file.parent / "config.json", dict[str, Any], infinite=True)
        found = config.get("quantization_config") or config["text_config"]["quantization_config"]
        return Packing(str(found["quant_method"]), _bits(found))
    except (UnreadableFile, KeyError, TypeError, AttributeError):
        return Packing()


def _bits(config: dict[str, Any]) -> int:
    if isinstance(config.get("bits"), int):
        return int(config["bits"])
    groups = config.get("config_groups", {})  # compressed-tensors
    sizes = [group["weights"]["num_bits"] for group in groups.values()]
    return int(sizes[0]) if sizes else 0
