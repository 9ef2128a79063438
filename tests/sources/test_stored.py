"""Files of weights: tables of tensors whose bytes add up to the file, packed types by their logical number; damaged and
dangerous files are refused, and nothing of them is run."""

import json
import os
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quantize
from safetensors.torch import save_file

from netsize.errors import NetsizeError
from netsize.sources.stored import read

WEIGHTS = {
    "layers.0.weight": torch.zeros(3, 4),
    "layers.0.bias": torch.zeros(3),
    "layers.1.weight": torch.zeros(5, 3, dtype=torch.bfloat16),
    "steps": torch.tensor(7),
}
NUMBERS, BYTES = 12 + 3 + 15 + 1, 4 * 15 + 2 * 15 + 8


def gguf_file(file: Path) -> None:
    writer = GGUFWriter(str(file), "llama")
    packed = quantize(np.zeros((4, 64), dtype=np.float32), GGMLQuantizationType.Q4_0)
    writer.add_tensor("blk.0.attn_q.weight", packed, raw_dtype=GGMLQuantizationType.Q4_0)
    writer.add_tensor("output_norm.weight", np.zeros(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def made(folder: Path, name: str) -> Path:
    file = folder / name
    if name.endswith(".safetensors"):
        save_file(WEIGHTS, str(file))
    elif name.endswith(".gguf"):
        gguf_file(file)
    elif name == "legacy.pth":
        torch.save(WEIGHTS, file, _use_new_zipfile_serialization=False)
    else:
        torch.save(WEIGHTS, file)
    return file


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "legacy.pth", "pytorch_model.bin", "a.pt", "a.ckpt"])
def test_tensors_and_bytes_add_up_to_the_file(tmp_path: Path, name: str) -> None:
    file = made(tmp_path, name)
    stored = read(str(file))
    assert {tensor.name: tensor.shape for tensor in stored.tensors} == {n: tuple(t.shape) for n, t in WEIGHTS.items()}
    assert (stored.weights, stored.bytes) == (NUMBERS, BYTES)
    assert stored.bytes + stored.other_bytes == stored.file_bytes == file.stat().st_size
    assert {tensor.type for tensor in stored.tensors} == {"float32", "bfloat16", "int64"}


def test_gguf_has_logical_shapes_and_stored_bytes(tmp_path: Path) -> None:
    stored = read(str(made(tmp_path, "a.gguf")))
    found = {t.name: (t.shape, t.type, t.weights, t.bytes) for t in stored.tensors}
    assert found == {
        "blk.0.attn_q.weight": ((4, 64), "Q4_0", 256, 256 // 32 * 18),  # 16 bytes and a scale for 32 weights
        "output_norm.weight": ((64,), "F32", 64, 256),
    }
    assert stored.notes == ("architecture: llama",)


def test_what_is_stored_twice_counts_once(tmp_path: Path) -> None:
    table = torch.zeros(10, 4)
    torch.save({"model": {"embed": table, "head": table, "part": table[:3]}, "epoch": 3}, tmp_path / "a.pth")
    stored = read(str(tmp_path / "a.pth"))
    assert (stored.weights, stored.bytes) == (40, 160)
    assert stored.notes == (
        "model.head is stored as part of model.embed", "model.part is stored as part of model.embed",
    )  # fmt: skip


def test_several_files_with_an_index(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(5)}, str(tmp_path / "model-00001-of-00002.safetensors"))
    save_file({"b": torch.zeros(7)}, str(tmp_path / "model-00002-of-00002.safetensors"))
    index = tmp_path / "model.safetensors.index.json"
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index.write_text(json.dumps({"weight_map": names}))
    stored = read(str(index))
    assert (stored.weights, stored.files) == (12, 2)
    (tmp_path / names["b"]).unlink()
    with pytest.raises(NetsizeError, match="1 of its 2 files are missing: model-00002"):
        read(str(index))
    index.write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}))
    with pytest.raises(NetsizeError, match="1 of its 1 files are missing"):
        read(str(index))


PACKED = [
    # tensors, the quantization_config beside them, and the logical shapes of those that are weights
    (
        {"l.qweight": torch.zeros(8, 16, dtype=torch.int32), "l.qzeros": torch.zeros(1, 2, dtype=torch.int32)},
        {"quant_method": "gptq", "bits": 4},
        {"l.qweight": ((64, 16), "4-bit (gptq)")},  # 8 numbers in each int32, along the inputs
    ),
    (
        {"l.qweight": torch.zeros(64, 2, dtype=torch.int32), "l.scales": torch.zeros(1, 16)},
        {"quant_method": "awq", "bits": 4},
        {"l.qweight": ((64, 16), "4-bit (awq)")},  # along the outputs
    ),
    (
        {"l.weight_packed": torch.zeros(16, 8, dtype=torch.int32), "l.weight_scale": torch.zeros(16, 1)},
        {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4}}}},
        {"l.weight_packed": ((16, 64), "4-bit (compressed-tensors)")},
    ),
    (
        {"e.gate_up_proj_blocks": torch.zeros(2, 6, 3, 16, dtype=torch.uint8),
         "e.gate_up_proj_scales": torch.zeros(2, 6, 3, dtype=torch.uint8)},
        {"quant_method": "mxfp4"},
        {"e.gate_up_proj_blocks": ((2, 6, 3, 32), "4-bit (mxfp4)")},  # 32 numbers in 16 bytes
    ),
    (
        {"l.weight": torch.zeros(8, 8, dtype=torch.float8_e4m3fn), "l.weight_scale_inv": torch.zeros(1, 1)},
        {"quant_method": "fp8"},
        {"l.weight": ((8, 8), "float8_e4m3")},
    ),
    ({"l.qweight": torch.zeros(8, 16, dtype=torch.int32)}, None, {"l.qweight": ((8, 16), "int32")}),  # nobody says so
]  # fmt: skip


@pytest.mark.parametrize("tensors, config, expected", PACKED)
def test_packed_weights_by_their_logical_number(tmp_path: Path, tensors, config, expected) -> None:
    save_file(tensors, str(tmp_path / "model.safetensors"))
    if config:
        (tmp_path / "config.json").write_text(json.dumps({"quantization_config": config}))
    stored = read(str(tmp_path / "model.safetensors"))
    assert {t.name: (t.shape, t.type) for t in stored.tensors if t.weights} == expected
    assert stored.bytes == sum(t.numel() * t.element_size() for t in tensors.values())


def test_bitsandbytes_stores_the_shape_beside_the_tensor(tmp_path: Path) -> None:
    state = json.dumps({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [16, 64]}).encode()
    tensors = {
        "l.weight": torch.zeros(512, 1, dtype=torch.uint8),
        "l.weight.absmax": torch.zeros(16, dtype=torch.uint8),
        "l.weight.quant_map": torch.zeros(16),
        "l.weight.quant_state.bitsandbytes__nf4": torch.tensor(list(state), dtype=torch.uint8),
        "norm.weight": torch.zeros(64),
    }
    save_file(tensors, str(tmp_path / "model.safetensors"))
    stored = read(str(tmp_path / "model.safetensors"))
    found = {t.name: (t.shape, t.type, t.weights) for t in stored.tensors if t.weights}
    assert found == {
        "l.weight": ((16, 64), "4-bit (nf4)", 1024), "norm.weight": ((64,), "float32", 64),
    }  # fmt: skip


def test_what_is_shown(netsize, tmp_path: Path) -> None:
    made(tmp_path, "a.safetensors")
    done = netsize("a.safetensors", "--depth", "1")
    assert (done.status, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert lines[0] == ["a.safetensors", "·", "safetensors", "·", "4", "tensors"]
    assert ["steps", "1", "int64", "1", "3.2%", "8", "8.2%"] in lines
    assert ["total", "31", "98"] in lines
    size = (tmp_path / "a.safetensors").stat().st_size
    assert f"{size:,} bytes = 98 of tensors + {size - 98:,} of headers and padding" in done.stdout
    assert "not counted: units and connections need the network" in done.stdout
    found = netsize("a.safetensors", "--json").json
    assert found["totals"] == {
        "tensors": 4, "weights": 31, "bytes": 98, "other_bytes": size - 98, "file_bytes": size, "files": 1,
    }  # fmt: skip
    assert {tensor["name"] for tensor in found["tensors"]} == set(WEIGHTS)
    top = netsize("a.safetensors", "--top", "1", "--depth", "2", "--format", "markdown")
    assert (top.status, "[2 others]" in top.stdout) == (0, True)


class Evil:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mknod, (str(self.file),)


REFUSED = [
    # how a file is made, and what is said
    (lambda file: torch.save(torch.nn.Linear(2, 2), file), "holds more than weights (torch.nn.modules.linear.Linear)"),
    (lambda file: torch.save({"a": Evil(file.parent / "ran")}, file), "holds more than weights (posix.mknod)"),
    (lambda file: file.write_bytes(pickle.dumps(Evil(file.parent / "ran"))), "Unsupported operand"),
    (lambda file: file.write_bytes(b""), "is no file of torch.save, or is damaged"),
    (lambda file: file.write_bytes(b"hello"), "is no file of torch.save, or is damaged"),
    (lambda file: torch.save({"epoch": 3}, file), "holds no tensors"),
]


@pytest.mark.parametrize("make, message", REFUSED)
def test_what_could_run_is_refused(netsize, tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "a.pth")
    done = netsize("a.pth")
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "ran").exists()


FOREIGN = [
    ("net.ipynb", "is a notebook. Put the network into a file, net.py"),
    ("net.h5", "is a network of Keras. Export it to ONNX"),
    ("net.pkl", "is a pickle, which could run code"),
    ("missing.safetensors", "there is no file missing.safetensors"),
]


@pytest.mark.parametrize("name, message", FOREIGN)
def test_other_files_are_answered_with_what_to_do(netsize, tmp_path: Path, name: str, message: str) -> None:
    if "missing" not in name:
        (tmp_path / name).write_bytes(b"x")
    done = netsize(name)
    assert (done.status, done.stdout, message in done.stderr) == (2, "", True)


@pytest.mark.parametrize("command", [["explain"], ["train"], ["compare"], ["freeze", "-o", "x.json"], ["sweep"]])
def test_other_commands_need_a_network(netsize, tmp_path: Path, command: list[str]) -> None:
    made(tmp_path, "a.safetensors")
    more = ["--input", "3:5"] if command[0] == "sweep" else []
    done = netsize(command[0], "a.safetensors", *command[1:], *more)
    assert done.status == 2
    assert "holds weights only: connections and units need the network" in done.stdout + done.stderr


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut off, lengthened, or with bytes that are others."""
    way = chance.randrange(4)
    if way == 0:
        return content[: chance.randrange(len(content))]
    if way == 1:
        return content + bytes(chance.randrange(1, 50))
    other = bytearray(content)
    for _ in range(chance.choice([1, 3, 20])):
        other[chance.randrange(len(other) if way == 2 else min(len(other), 200))] = chance.randrange(256)
    return bytes(other)


@pytest.mark.parametrize("name", ["a.safetensors", "a.gguf", "a.pth", "legacy.pth"])
def test_damaged_files_end_in_a_message(tmp_path: Path, name: str) -> None:
    """200 mutations: each is read, or refused with a line or two; what is read adds up."""
    content = made(tmp_path, name).read_bytes()
    chance, file, refused = random.Random(name), tmp_path / f"damaged{Path(name).suffix}", 0
    for _ in range(200):
        file.write_bytes(damaged(content, chance))
        try:
            stored = read(str(file))
        except NetsizeError as error:
            assert len(str(error).splitlines()) <= 2
            refused += 1
        else:
            assert stored.bytes + stored.other_bytes == file.stat().st_size
    assert refused > 40
