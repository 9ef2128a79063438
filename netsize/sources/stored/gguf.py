"""GGUF, as llama.cpp has it, by the `gguf` package: types of blocks with their logical shapes."""

from pathlib import Path

from netsize.errors import BadModel, describe
from netsize.facts.stored import StoredTensor
from netsize.sources.environment import require_extra
from netsize.sources.stored.packed import Packing


def read(file: Path, packing: Packing) -> tuple[list[StoredTensor], tuple[str, ...]]:
    """Raises BadModel for a file that is damaged, BadEnvironment without the package."""
    require_extra("gguf")
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
        tensors = [
            StoredTensor(
                str(tensor.name),
                tuple(int(size) for size in reversed(tensor.shape)),
                tensor.tensor_type.name,
                int(tensor.n_elements),
                int(tensor.n_bytes),
            )
            for tensor in reader.tensors
        ]
        architecture = reader.fields.get("general.architecture")
        said = (f"architecture: {architecture.contents()}",) if architecture else ()
    except Exception as error:  # of the reader, on whatever a file holds
        raise BadModel(f"{file} is no GGUF file, or is damaged: {describe(error)}") from error
    return tensors, said
