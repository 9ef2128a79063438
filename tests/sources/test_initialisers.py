"""Networks are built without the values of their parameters."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.init import orthogonal_, trunc_normal_

from netsize.sources.initialisers import SkipInitialisers

INITIALISERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "imported by its name": trunc_normal_,
    "far from the middle": lambda tensor: nn.init.trunc_normal_(tensor, mean=0.0, std=10.0, a=-0.1, b=0.1),
    "orthogonal": lambda tensor: nn.init.orthogonal_(tensor),
    "orthogonal, imported by its name": orthogonal_,  # as transformers does: rwkv takes a quarter of an hour, and more
    "orthogonal, with settings": lambda tensor: orthogonal_(tensor=tensor, gain=2.0),
    "kaiming": nn.init.kaiming_normal_,
    "by hand": lambda tensor: tensor.normal_().clamp_(-2, 2),
}


@pytest.mark.parametrize("name", INITIALISERS)
def test_a_parameter_is_left_as_it_was_allocated(name: str) -> None:
    """Computing with one reads all of it: half a second for swin_t's truncated normal distributions, of 0.01."""
    parameter = nn.Parameter(torch.full((30, 20), 7.0))
    with SkipInitialisers() as skip, torch.no_grad():
        assert INITIALISERS[name](parameter) is parameter
        INITIALISERS[name](buffer := torch.full((30, 20), 7.0))
    assert [tensor is parameter for tensor in skip.blank] == [True]
    assert bool((parameter == 7).all()) and not bool((buffer == 7).any())
    with torch.no_grad():
        assert not bool((INITIALISERS[name](parameter) == 7).any()), "and is filled afterwards"


def test_initialisers_are_there_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), SkipInitialisers(), SkipInitialisers():
        raise ZeroDivisionError
    square = orthogonal_(nn.Parameter(torch.zeros(3, 3)), gain=2.0).detach()
    torch.testing.assert_close(square @ square.T, 4 * torch.eye(3))
    with pytest.raises(ValueError, match="2 or more dimensions"):
        orthogonal_(torch.zeros(3))
