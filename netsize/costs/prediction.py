"""From a MODEL, or a built network, to what it costs to train it, or to an error that says what to do."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from netsize import sources
from netsize.costs.measurement import RealSteps, allocated_before, measure
from netsize.costs.plan import Plan
from netsize.costs.recipe import NoLoss, Recipe, forward, loss
from netsize.costs.simulation import simulate
from netsize.costs.timeline import Timeline, largest_batch
from netsize.costs.training import SPARE, Fit, Measured, Training, layers_of, usable
from netsize.errors import BadInput, BadOption, describe
from netsize.facts.network import Network
from netsize.machine import binary
from netsize.results import words
from netsize.results.count import count
from netsize.results.patterns import frozen, frozen_elsewhere, matching_modules
from netsize.results.report import Options
from netsize.run import memory
from netsize.run.failures import cannot_take, needs_values
from netsize.run.fake_tensors import without_values
from netsize.run.forward_pass import BackwardFailed, ForwardFailed, trace
from netsize.run.inputs import arguments_of, known_inputs, read_given
from netsize.run.mending import mended
from netsize.run.switches import alone, uncompiled
from netsize.sources.built import Arguments, Built
from netsize.sources.environment import choose_device
from netsize.sources.factory import quiet
from netsize.sources.initialisers import fill, give_memory
from netsize.sources.settings import InputSpec, Settings
from netsize.trace.higher_order import Bodies
from netsize.trace.layers import named_parameters

Say = Callable[[str], None]
BATCH = 64


@alone
def train_model(
    model: Any,
    input: Any,
    plan: Plan,
    settings: Settings,
    device: str,
    *,
    free: bool = False,
    measure: bool = False,
    say: Say = lambda _: None,
) -> Training:
    """What it costs to train a MODEL, or an nn.Module: see `netsize.training`. `free`: find the largest batch for the
    memory that the device has left. Raises NetsizeError."""
    where = choose_device(device)
    if free:
        left = memory.available(where)
        if left is None:
            raise BadOption(f"--memory free: {where.type} does not tell how much it has left; say it, as 16GiB")
        plan = replace(plan, memory=left)
    say(f"building {model if isinstance(model, str) else type(model).__name__}")
    with sources.loaded(model, settings, with_values=measure, written=measure) as built:
        return train_built(built, read_given(input, built), plan, where, measure, say)


@alone
def train_built(
    built: Built,
    specs: Sequence[InputSpec],
    plan: Plan,
    device: torch.device,
    measured: bool = False,
    say: Say = lambda _: None,
) -> Training:
    """Predict what a training step costs: without memory, on tensors without values; and, if it is to be `measured`,
    train some real steps. Raises NetsizeError."""
    prepared = Prepared(built, specs, plan, device)
    say(f"{built.source.model}: operations of a step")
    network = prepared.operations()
    say(f"{built.source.model}: memory of a step")
    fit = prepared.asked_fit(say)
    batch = plan.batch or (fit.batch if fit else BATCH if plan.batched else 1)
    timeline = prepared.step(batch)
    report = count(network, options=Options(freeze=plan.freeze))
    modules = dict(built.model.named_modules())
    types = {path: type(module).__name__ for path, module in modules.items()}
    training = Training(
        source=built.source,
        input=network.input,
        device=device.type,
        plan=prepared.plan,
        batch=batch,
        layers=layers_of(report, timeline, list(modules), types),
        parts=timeline.parts(),
        peak=timeline.peak(),
        trainable=report.totals.trainable,
        fit=fit,
        uncounted=network.uncounted,
        tied=tuple(frozen_elsewhere(plan.freeze, dict(network.aliases))),
        values=tuple(words.of_values(report)),
        unattributed=network.unattributed,
        unpredicted=timeline.unpredicted(),
        frozen=tuple((name, p.numel()) for name, p in built.model.named_parameters() if not p.requires_grad),
        untouched=timeline.untouched,
        checkpoints=prepared.recipe.checkpoint,
        timeline=timeline,
    )
    if prepared.recipe.checkpoint:
        plain = prepared.step(batch, checkpoints=False)
        training = replace(
            training,
            without_checkpoints=plain.parts().get("activations", 0),
            peak_without_checkpoints=plain.peak().size,
        )
    return prepared.measured(training, say) if measured else training


class Prepared:
    """A network that is ready to be trained, in training mode, and frozen where it is to be."""

    def __init__(self, built: Built, specs: Sequence[InputSpec], plan: Plan, device: torch.device) -> None:
        own = str(next((p.dtype for p in built.model.parameters()), torch.float32)).removeprefix("torch.")
        self.built, self.plan, self.device = built, replace(plan, own=own), device
        self.model = built.model.train()
        self.specs = known_inputs(built, specs, values=False)
        self.recipe = recipe_of(self.plan, self.model, device)
        self._steps: dict[tuple[int, bool], Timeline] = {}
        _freeze(built, plan)

    def operations(self) -> Network:
        """What is executed for one example, forward and backward; of inputs whose meaning is plain, of those that are
        meant. Raises BadInput."""
        given = self.specs
        try:
            return self._operations()
        except ForwardFailed as failure:
            for inputs, _ in mended(given, failure, self.plan.batched):
                self.specs = inputs
                with suppress(ForwardFailed):
                    return self._operations()
            self.specs = given
            raise self._cannot_train(failure) from failure

    def _operations(self) -> Network:
        """A normalisation over a batch of one example would have no values to compare; it has no connections in either
        mode. Raises BadInput, ForwardFailed."""
        make = arguments_of(self.built, self.specs, self.plan.batched)
        normalisations = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for module in normalisations:
            module.eval()
        try:
            with quiet():
                return trace(self.built, make, torch.device("cpu"), False, loss=loss)
        except BackwardFailed as failure:
            if needs_values(failure):
                raise self._needs_values("backward", failure.error) from failure
            raise BadInput(
                f"{self.built.source.model} cannot be trained: backward fails: {describe(failure.error)}"
            ) from failure
        except NoLoss as error:
            raise self._no_loss() from error
        finally:
            for module in normalisations:
                module.train()

    def step(self, batch: int, checkpoints: bool = True) -> Timeline:
        """The memory of a training step. Raises BadInput."""
        key = (batch, checkpoints)
        if key not in self._steps:
            try:
                self._steps[key] = self._simulated(batch, checkpoints)
            except NoLoss as error:
                raise self._no_loss() from error
            except Exception as error:
                model = self.built.source.model
                raise BadInput(f"{model} cannot be trained with a batch of {batch}: {describe(error)}") from error
        return self._steps[key]

    def _simulated(self, batch: int, checkpoints: bool) -> Timeline:
        recipe = self.recipe if checkpoints else replace(self.recipe, checkpoint=())
        with training_contexts(self.device), without_values(self.model, self.device, recipe.dtype), quiet():
            arguments = self.arguments(batch)
            return simulate(self.model, arguments, recipe, self.device, batch)

    def arguments(self, batch: int) -> Arguments:
        return arguments_of(self.built, self.specs, self.plan.batched, batch)(self.device)

    def measured(self, training: Training, say: Say) -> Training:
        """With real steps, or with the reason why there are none. Memory that does not suffice is a result."""
        free = memory.available(self.device)
        if free is not None and training.peak.size > usable(free):
            return self._out_of_memory(training, free, say)
        try:
            return replace(training, measured=self._measure(training, free, say))
        except Exception as error:
            if memory.is_exhausted(error):
                return self._out_of_memory(training, free or training.peak.size, say)
            return replace(training, failure=describe(error))

    def _measure(self, training: Training, free: int | None, say: Say) -> Measured:
        model, device, batch = self.model, self.device, training.batch
        title = f"training {self.built.source.model} with a batch of {batch} on {device.type}"

        def tell(done: int, total: int) -> None:
            say(f"{title}: [{'=' * done}{' ' * (total - done)}] step {done + 1} of {total}")

        empty = allocated_before(device)
        fill([*self.built.blank, *give_memory(model)])
        self.built.blank = []
        model.to(device, self.recipe.dtype)
        with training_contexts(device):
            steps = RealSteps(model, self.arguments(batch), self.recipe, device, empty)
            found = _named(measure(steps, batch, tell), training)
            plain = training.peak_without_checkpoints
            if plain is None or (free is not None and plain > free):
                return found
            steps.recipe = replace(self.recipe, checkpoint=())
            return replace(found, saved_without=steps.saved(), peak_without=steps.peak())

    def _out_of_memory(self, training: Training, free: int, say: Say) -> Training:
        fit = self.fit(free, say)
        largest = f"the largest batch that fits is {fit.batch:,}" if fit.batch else "not even one example fits"
        return replace(
            training,
            out_of_memory=fit,
            failure=f"a step takes {binary(training.peak.size)}, and {binary(free)} are free on "
            f"{self.device.type}: {largest}",
        )

    def fit(self, limit: int, say: Say) -> Fit:
        """The largest batch for so many bytes, with what kernels take for themselves."""

        def peak(batch: int) -> int:
            say(f"{self.built.source.model}: memory of a step with a batch of {batch}")
            return self.step(batch).peak().size

        first = self.plan.batch or BATCH
        batch = largest_batch(usable(limit), self.step(first), self.step(2 * first), peak)
        return Fit(limit, batch, peak(batch) if batch else 0)

    def asked_fit(self, say: Say) -> Fit | None:
        """For the memory that was given. Raises BadOption, if not even one example fits."""
        limit = self.plan.memory
        if limit is None:
            return None
        fit = self.fit(limit, say)
        parameters = sum(p.numel() * p.element_size() for p in self.model.parameters())
        if not fit.batch and (self.plan.batch is None or limit < parameters):
            one = self.step(1)
            weights = one.parts()["parameters"]
            raise BadOption(
                f"--memory {binary(limit)}: a step of {self.built.source.model} with a batch of 1 takes "
                f"{binary(one.peak().size)}, {binary(weights)} of it for its parameters, and kernels {SPARE} % more"
            )
        return fit

    def _no_loss(self) -> BadInput:
        return BadInput(
            f"{self.built.source.model} gives no loss: no tensor in its output depends on a parameter that is trained"
        )

    def _needs_values(self, where: str, error: BaseException) -> BadInput:
        said = f"training is predicted without values, which decide in {where}: {describe(error)}"
        return BadInput(f"{self.built.source.model}: {said}")

    def _cannot_train(self, failure: ForwardFailed) -> BadInput:
        where = f"{failure.path} ({failure.type})" if failure.path else failure.type
        if needs_values(failure):
            return self._needs_values(where, failure.error)
        if not self._runs_in_evaluation():
            return cannot_take(self.built, self.specs, failure, batch=self.plan.batched, verify=False, hint=True)
        return BadInput(
            f"{self.built.source.model} cannot be trained on random data: in training mode it fails in {where}: "
            f"{describe(failure.error)}\n"
            "It runs in evaluation mode: one that computes its own loss needs labels, which netsize cannot make up"
        )

    def _runs_in_evaluation(self) -> bool:
        self.model.eval()
        try:
            with training_contexts(self.device), without_values(self.model, self.device), torch.no_grad():
                self.arguments(1).given_to(self.model)
            return True
        except Exception:
            return False
        finally:
            self.model.train()


def _named(measured: Measured, training: Training) -> Measured:
    """A kernel that shows no products (an LSTM's) goes through the connections of its layer's formulas."""
    counted = {layer.path: layer.forward + layer.backward + layer.recomputation for layer in training.layers}
    return replace(
        measured,
        layers=tuple(
            slow if slow.connections else replace(slow, connections=counted.get(slow.path, 0) * training.batch)
            for slow in measured.layers
        ),
    )


@contextmanager
def training_contexts(device: torch.device) -> Iterator[None]:
    """Repeatable, with gradients, and without a word."""
    with ExitStack() as stack:
        stack.enter_context(quiet())
        stack.enter_context(torch.random.fork_rng(devices=[device] if device.type == "cuda" else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(uncompiled())
        stack.enter_context(Bodies())
        yield


def _freeze(built: Built, plan: Plan) -> None:
    parameters = dict(built.model.named_parameters())
    still = frozen(parameters, plan.freeze, aliases=named_parameters(built.model)[1])
    for name in still:
        parameters[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        what = f"--freeze {' '.join(plan.freeze)} leaves" if still else "it has"
        raise BadOption(f"{built.source.model} cannot be trained: {what} no parameter to train")


def recipe_of(plan: Plan, model: nn.Module, device: torch.device) -> Recipe:
    """Raises BadOption."""
    dtype = getattr(torch, plan.dtype) if plan.dtype and not plan.amp else None
    amp = getattr(torch, plan.autocast) if plan.amp else None
    _check_type(device, getattr(torch, plan.stored), amp, plan)
    paths = matching_modules(dict(model.named_modules()), plan.checkpoint, "--checkpoint")
    return Recipe(plan.optimizer, dtype, amp, paths)


def _check_type(device: torch.device, dtype: torch.dtype, amp: torch.dtype | None, plan: Plan) -> None:
    """Whether the device trains in this type: tried on one number."""
    recipe = Recipe("sgd", dtype, amp)
    if dtype.is_complex:  # a type of the user's own
        return
    try:
        with training_contexts(device):
            layers = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(1, 1)).to(device, dtype)
            forward(
                layers, Arguments((torch.zeros(1, 1, 1, 1, device=device, dtype=dtype),)), recipe, device
            ).backward()
            recipe.optimizer_of(layers, device).step()
    except (RuntimeError, TypeError) as error:
        raise BadOption(f"{device.type} cannot train in {plan.precision}: {describe(error)}") from error
