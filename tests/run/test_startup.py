"""What the console script imports, and what it leaves away."""

import subprocess
import sys

import pytest

BEGIN = """
import gc, sys
gc.disable()  # as the console script starts
from netsize.run import startup

def compiler():
    return sorted(name for name in sys.modules if name.startswith("torch._dynamo"))
"""
CASES = {
    "torchvision alone: no compiler, a second time nothing, and nothing that stands for it is left behind": """
with startup.imports():
    import torchvision
assert compiler() == [], compiler()
with startup.imports():
    pass
assert compiler() == [], compiler()
taken = sys.modules["torchvision.ops.roi_align"].is_compile_supported
said = [taken(device) for device in ("cpu", "mps")]  # what torchvision has taken asks the compiler's own
import torch._dynamo.utils as real
assert real.__file__ and real.counters is not None
assert real.is_compile_supported is not taken
assert said == [real.is_compile_supported(device) for device in ("cpu", "mps")]
""",
    "who needs the compiler meanwhile has it, whole": """
with startup.imports():
    import torchvision
    import torch
    import torch._dynamo
    twice = torch.compile(lambda x: 2 * x, backend="eager", fullgraph=True)
assert torch._dynamo.utils.__file__
assert twice(torch.ones(3)).tolist() == [2, 2, 2]
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
""",
    "networks without values need it no more; who needs it afterwards has it, whole": """
with startup.imports():
    import torch, torchvision
import netsize
for name in ("squeezenet1_1", "convnext_tiny", "vit_b_32", "gpt2"):
    assert netsize.analyze(name, verify=False, device="cpu").complete
assert compiler() == [] and "sympy" not in sys.modules, compiler()
twice = torch.compile(lambda x: torch.relu(2 * x), backend="eager", fullgraph=True)
assert twice(torch.ones(3)).tolist() == [2, 2, 2]
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
from torch.fx.experimental.symbolic_shapes import ShapeEnv
import sympy
assert sympy.Basic in sympy.Symbol.__mro__
""",
    "what stands for it leaves nothing behind": """
with startup.imports():
    import torch
from netsize.run.compiler import left_out
def function(): return 1
kept_out = torch._disable_dynamo(function)
with left_out():
    assert kept_out() == 1 and hasattr(function, "__dynamo_disable")
    from torch.fx.experimental.symbolic_shapes import sym_eq, sym_and
    assert sym_eq((1, 2), [1, 2]) and not sym_and(True, 2 < 1)
assert not hasattr(function, "__dynamo_disable")
assert compiler() == [] and "sympy" not in sys.modules
assert "torch.fx.experimental.symbolic_shapes" not in sys.modules
assert kept_out() == 1 and "torch._dynamo.convert_frame" in compiler()
""",
    "unless one executes what torch's own fake tensors must be asked": """
with startup.imports():
    import torch, torchvision
import netsize
class Chosen(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)
    def forward(self, x):
        return self.layer(x[x[:, 0] > 0])
report = netsize.analyze(Chosen(), "4", verify=False, device="cpu")
assert report.guessed == (("aten.index", ""),), report.guessed
assert "torch._dynamo.convert_frame" in compiler()
""",
    "a process that is somebody else's imports what it would": """
gc.enable()
with startup.imports():
    import torchvision
assert "torch._dynamo.utils" in compiler()
from torch._dynamo.utils import is_compile_supported as real
assert sys.modules["torchvision.ops.roi_align"].is_compile_supported is real
for name in ("sympy", "torch.fx.experimental.symbolic_shapes"):
    del sys.modules[name]  # as if it had not come with the compiler
from netsize.run.compiler import left_out
with left_out():
    assert "sympy" not in sys.modules
""",
}


@pytest.mark.parametrize("case", CASES)
def test_imports(case: str) -> None:
    subprocess.run([sys.executable, "-c", BEGIN + CASES[case]], check=True)


@pytest.mark.parametrize("how", ["--verify", "--no-verify"])
def test_an_answer_needs_no_compiler(how: str) -> None:
    """Nor pydantic, by which typer converts numbers: here are none."""
    code = (
        f"from netsize.commands.cli import main\nassert main(['alexnet', '--fresh', '{how}', '--device', 'cpu']) == 0\n"
        "assert compiler() == [], compiler()\nassert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", BEGIN + code], check=True)
