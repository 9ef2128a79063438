"""What a MODEL is, by how it is written and what lies there: without torch, and without the libraries themselves."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from netsize.errors import BadModel, UnknownModel, did_you_mean
from netsize.sources.classics import NETWORKS
from netsize.sources.environment import require_extra, require_torchvision
from netsize.sources.names import diffusers_classes, timm_models, torchvision_models, transformers_types

COMMANDS = (
    "show", "explain", "draw", "compare", "sweep", "train", "check", "init", "ci", "badge", "freeze", "diff", "list",
    "cache", "help",
)  # fmt: skip
LIBRARIES: dict[str, Callable[[], dict[str, str]]] = {
    "torchvision": torchvision_models,
    "timm": timm_models,
    "transformers": transformers_types,
    "diffusers": diffusers_classes,
}
GRAPHS = (".onnx",)
PROGRAMS = (".pt2", ".torchscript", ".ts")
STORED = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".gguf")
FILES = (".py", ".json", *GRAPHS, *PROGRAMS, ".pt")  # in which a network may be
FOREIGN = {  # files that hold a network, or may, with what to do
    ".ipynb": "a notebook. Put the network into a file, net.py, and count net.py:Net; or call netsize.analyze in it",
    ".h5": "a network of Keras. Export it to ONNX (tf2onnx), and count that",
    ".keras": "a network of Keras. Export it to ONNX (model.export(format='onnx')), and count that",
    ".pb": "a graph of TensorFlow. Export it to ONNX (tf2onnx), and count that",
    ".tflite": "a graph of TensorFlow Lite. Export it to ONNX (tf2onnx), and count that",
    ".mlmodel": "a network of Core ML. Count the one that it was made from",
    ".npz": "arrays of NumPy. Count the network that they belong to",
    ".pkl": "a pickle, which could run code. Save its state_dict() with torch.save as weights.pth, and count that",
    ".zip": "an archive. Unpack it, and count what is in it",
}


@dataclass(frozen=True)
class Recognised:
    """The file here that loads it, and how that one names it. `file`: what is in it decides, and the name does not."""

    source: str
    model: str
    file: Path | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """Those besides torch and torchvision whose versions decide what it is."""
        if self.source == "graph":
            return tuple(name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is not None)
        return (self.source,) if self.source in LIBRARIES and self.source != "torchvision" else ()


def recognise(model: str) -> Recognised:
    """Raises UnknownModel for a name that is nothing that netsize knows, BadModel for a folder or file that holds no
    network, BadEnvironment if the library is missing."""
    library, colon, name = model.partition(":")
    if colon and library in LIBRARIES:
        return _of_library(library, name)
    path = Path(model)
    if path.is_dir() and model not in _own_names():  # which mean themselves, whatever folders there are
        return _in_folder(path, model)
    if path.name.endswith(".index.json"):
        return _in_file(path, model)
    if path.suffix == ".json" and path.is_file():
        return _described(path, model)
    if path.suffix.lower() in (*GRAPHS, *PROGRAMS, *STORED, *FOREIGN):
        return _in_file(path, model)
    if is_python(model) and not _is_spoken(model):
        return Recognised("python", model)
    return _by_name(model)


def parts_of(model: str) -> tuple[str, str, str]:
    r"""As partition(":") has them: path/to/net.py, a colon, and Net; the colon of a drive (C:\net.py:Net) is none."""
    drive = model[:2] if re.match(r"[A-Za-z]:[\\/]", model) else ""
    place, colon, name = model[len(drive) :].partition(":")
    return drive + place, colon, name


def is_python(model: str) -> bool:
    """path/to/net.py:Net or package.module:factory."""
    return ":" in model or model.endswith(".py") or "/" in model


def spoken(name: str) -> str:
    """ResNet-50, resnet_50 and torchvision.models.resnet50 are one name."""
    return re.sub(r"[-_ ./]", "", name.lower().removeprefix("torchvision.models."))


def _is_spoken(model: str) -> bool:
    """ViT-B/16, and no file."""
    return ":" not in model and not model.endswith(".py") and spoken(model) in map(spoken, torchvision_models())


def _own_names() -> dict[str, str]:
    """Names that stand alone, with their source."""
    return {**dict.fromkeys(torchvision_models(), "torchvision"), **dict.fromkeys(NETWORKS, "classics")}


def _by_name(model: str) -> Recognised:
    known = _own_names()
    if model in known:
        return Recognised(known[model], model)
    architecture = model.partition(".")[0]  # what follows is the name of weights
    if architecture in timm_models():
        return Recognised("timm", f"timm:{model}")
    alike = [name for name in known if spoken(name) == spoken(model)]
    if len(alike) == 1:
        return Recognised(known[alike[0]], alike[0])
    alike = alike or [f"timm:{name}" for name in timm_models() if spoken(name) == spoken(model)]
    if len(alike) == 1:
        return Recognised("timm", alike[0])
    if _is_module(model):
        return Recognised("python", model)
    raise _unknown(model, alike, sorted(known))


def _is_module(model: str) -> bool:
    """One of the user's own, in this folder or in the src of its project, or one inside of a package."""
    parts = model.split(".")
    if not all(part.isidentifier() for part in parts):
        return False
    files = [place.joinpath(*parts) for place in (Path(), Path("src"))]
    here = any(file.with_suffix(".py").is_file() or (file / "__init__.py").is_file() for file in files)
    return here or (len(parts) > 1 and importlib.util.find_spec(parts[0]) is not None)


def _unknown(model: str, alike: list[str], known: list[str]) -> UnknownModel:
    require_torchvision()
    elsewhere = [f"{library}:{name}" for library in ("transformers", "diffusers") for name in LIBRARIES[library]()
                 if spoken(name) == spoken(model)]  # fmt: skip
    file, _, name = model.rpartition(".")
    if Path(f"{file}.py").is_file():
        elsewhere = [f"{file}.py:{name}", f"{file}.py"]
    alike = alike or elsewhere
    if alike:
        hint = f" Did you mean {' or '.join(alike)}?"
    else:
        hint = did_you_mean(model, [*COMMANDS, *known]) or did_you_mean(model, [*timm_models()])
    return UnknownModel(
        f"torchvision has no model {model!r}.{hint or ' See `netsize list`, or name Python: net.py:Net'}"
    )


def _of_library(library: str, name: str) -> Recognised:
    require_extra(library)
    known = LIBRARIES[library]()
    bare = name.partition(".")[0] if library == "timm" else name
    alike = [bare] if bare in known else [other for other in known if spoken(other) == spoken(name)]
    if len(alike) != 1:
        near = f" Did you mean {' or '.join(alike)}?" if alike else did_you_mean(name, sorted(known))
        raise UnknownModel(f"{library} has no model {name!r}.{near or f' See `netsize list {library}:`'}")
    found = name if bare in known else alike[0]
    return Recognised(library, found if library == "torchvision" else f"{library}:{found}")


def _in_folder(folder: Path, model: str) -> Recognised:
    if (folder / "config.json").is_file():
        return _described(folder / "config.json", model)
    if (folder / "model_index.json").is_file():
        parts = sorted(file.parent.name for file in folder.glob("*/config.json"))
        told = " or ".join(f"{model.rstrip('/')}/{part}" for part in parts) or "one of its networks"
        raise BadModel(f"{model} is a pipeline of several networks. Count one: {told}")
    weights = sorted(folder.glob("*.index.json")) or sorted(folder.glob("*.safetensors"))
    if len(weights) == 1:
        return Recognised("stored", f"{model.rstrip('/')}/{weights[0].name}", weights[0])
    if weights:
        told = " or ".join(f"{model.rstrip('/')}/{file.name}" for file in weights[:3])
        raise BadModel(
            f"{model} has {len(weights)} files of weights, and nothing says which belong together. Name one: {told}"
        )
    if (folder / "__init__.py").is_file():
        return Recognised("python", model)
    raise BadModel(
        f"{model} is a folder without a config.json, which says what network it is. Name a file in it: net.py:Net"
    )


def _described(file: Path, model: str) -> Recognised:
    """By a config.json of transformers or diffusers; or what was counted before, which has a schema."""
    from netsize.sources.description import read_config  # its library takes 20 ms to import

    described = read_config(file)
    if "schema" in described:
        return Recognised("saved", model, file)
    library = "diffusers" if "_class_name" in described else "transformers"
    require_extra(library)
    return Recognised(library, model, file)


def _in_file(path: Path, model: str) -> Recognised:
    if not path.is_file():
        raise BadModel(f"there is no file {model}")
    ending = path.suffix.lower()
    if ending in FOREIGN:
        raise BadModel(f"{model} is {FOREIGN[ending]}")
    if ending in GRAPHS:
        require_extra("onnx")
        return Recognised("graph", model, path)
    return Recognised("program" if ending in PROGRAMS or _is_script(path) else "stored", model, path)


def _is_script(path: Path) -> bool:
    """Whether torch.save has made it, or TorchScript, which keeps its code beside its data."""
    try:
        with ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, BadZipFile):
        return False
