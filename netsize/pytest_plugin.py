"""A fixture for everybody's tests, installed with netsize:

def test_size(netsize):
    netsize.assert_size(MyNet(), input="3x32x32", weights="<= 5M", connections="<= 300M")
"""

from typing import Any

import pytest


class Sizes:
    """What the fixture `netsize` gives."""

    def assert_size(
        self, model: Any, input: Any = None, *, layers: dict[str, dict[str, Any]] | None = None, **options: Any
    ) -> Any:
        """Fail, with the table of the largest layers, unless a network keeps to its sizes; else its report.

        model, input, and device, verify, batch, bias, pooling, padding, settings: as `netsize.analyze`.
        units, connections, weights, biases, parameters: 494184, "<= 5M", or "61.1M", rounded. layers: the same
        for layers or modules by name, and units_share, connections_share, weights_share: "<= 60%".
        """
        __tracebackhide__ = True
        from netsize.api import analyze
        from netsize.checks.cases import OF_LAYERS, QUANTITIES, read_amount
        from netsize.checks.outcomes import outcome_of

        sizes = {key: options.pop(key) for key in QUANTITIES if key in options}
        wanted = [("", key, value) for key, value in sizes.items()]
        for name, layer in (layers or {}).items():
            unknown = [key for key in layer if key not in OF_LAYERS]
            if unknown:
                raise TypeError(f"assert_size: a layer has no {unknown[0]!r}; it has {', '.join(OF_LAYERS)}")
            wanted += [(name, key, value) for key, value in layer.items()]
        if not wanted:
            raise TypeError(f"assert_size: say what size, as weights='<= 5M'; there are {', '.join(QUANTITIES)}")
        expected = [read_amount(f"assert_size: {key}", where, key, value) for where, key, value in wanted]
        report = analyze(model, input, **options)
        failed = [outcome for outcome in (outcome_of(report, e) for e in expected) if not outcome.passed]
        if failed or report.verification.problems:
            pytest.fail(_message(report, failed), pytrace=False)
        return report


def _message(report: Any, failed: list[Any]) -> str:
    from netsize.render import render
    from netsize.render.checks import explained
    from netsize.render.style import Style

    quantity = failed[0].quantity.removesuffix("_share") if failed else "connections"
    column = quantity if quantity in ("units", "connections", "weights") else "weights"
    lines = [line for outcome in failed for line in explained(outcome)]
    lines += [f"verification: {problem}" for problem in report.verification.problems]
    return "\n".join([*lines, render(report, "table", Style(width=100, top=8, sort=column))])


@pytest.fixture
def netsize() -> Sizes:
    """Hold networks to their sizes: `netsize.assert_size(model, input=..., weights="<= 5M")`."""
    return Sizes()
