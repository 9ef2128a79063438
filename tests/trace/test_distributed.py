"""Networks that are spread over several devices: two processes of one machine, which count what one would."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys, torch, torch.distributed as dist, torch.multiprocessing
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

def spread(mesh):
    network = net()
    for layer in (network.up, network.down):
        layer.weight = nn.Parameter(distribute_tensor(layer.weight.data, mesh, [Shard(0)]))
        layer.bias = nn.Parameter(distribute_tensor(layer.bias.data, mesh, [Replicate()]))
    return network, distribute_tensor(torch.rand(1, 3, 16), mesh, [Replicate()])

def shards(mesh):
    network = net()
    for part in (network.up, network.down, network):
        fully_shard(part, mesh=mesh)
    return network, "3x16"

def tensors(mesh):
    return parallelize_module(net(), mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()}), "3x16"

class Gathered(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, self.weight.full_tensor(), self.bias.full_tensor())

def gathered(mesh):
    network = nn.Sequential()
    network.up, network.act, network.down = Gathered(16, 32), nn.ReLU(), Gathered(32, 16)
    for layer in (network.up, network.down):
        layer.weight = nn.Parameter(distribute_tensor(layer.weight.data, mesh, [Shard(1)]))
        layer.bias = nn.Parameter(distribute_tensor(layer.bias.data, mesh, [Replicate()]))
    return network, "3x16"

def net():
    network = nn.Sequential()
    network.up, network.act, network.down = nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16)
    return network

def work(rank, store, *ways):
    import netsize
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    for way in ways:
        network, input = globals()[way](init_device_mesh("cpu", (2,)))
        for verify in (True, False):
            report = netsize.analyze(network, input, device="cpu", verify=verify)
            if rank == 0:
                open(f"{store}.{way}.{verify}", "w").write(report.to_json())
            dist.barrier()
    dist.destroy_process_group()

if __name__ == "__main__":
    torch.multiprocessing.spawn(work, sys.argv[1:], nprocs=2)
"""


def test_counts_are_those_of_the_whole_network(tmp_path: Path) -> None:
    """Each weight of 16 x 32 is split in two, on its rows or on its columns, or put together before it is used."""
    script, store, ways = tmp_path / "script.py", tmp_path / "store", ("spread", "shards", "tensors", "gathered")
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script, store, *ways], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for way, verified in itertools.product(ways, (True, False)):
        found = json.loads(Path(f"{store}.{way}.{verified}").read_text())
        assert [(way, row["path"], row["connections"], row["weights"]) for row in found["layers"]] == [
            (way, "up", 3 * 512, 512), (way, "down", 3 * 512, 512),
        ]  # fmt: skip
        assert (found["totals"]["parameters"], found["totals"]["biases"]) == (1072, 48)
        assert found["parameter_bytes"] == {"float32": 4 * 1072}
        assert (found["uncounted"], found["unused"], found["depth"]) == ([], {}, 2)
        assert found["verification"]["status"] == ("passed" if verified else "skipped")
