"""What a MODEL is: names as people write them, libraries, folders and files, and what is none of these."""

import json
from pathlib import Path

import pytest

from netsize.errors import BadModel, UnknownModel, UnreadableFile
from netsize.sources import complete_model
from netsize.sources.names import diffusers_classes, timm_models, torchvision_models, transformers_types
from netsize.sources.recognition import parts_of, recognise

NAMES = [
    # as it is written, the source, and the name there
    ("resnet50", "torchvision", "resnet50"),
    ("ResNet50", "torchvision", "resnet50"),
    ("resnet-50", "torchvision", "resnet50"),
    ("VGG-16", "torchvision", "vgg16"),
    ("ViT-B/16", "torchvision", "vit_b_16"),
    ("torchvision.models.resnet50", "torchvision", "resnet50"),
    ("torchvision:resnet50", "torchvision", "resnet50"),
    ("LeNet-5", "classics", "lenet5"),
    ("convnext_pico", "timm", "timm:convnext_pico"),  # only timm has it
    ("ConvNeXt-Pico", "timm", "timm:convnext_pico"),
    ("timm:resnet50", "timm", "timm:resnet50"),  # both have it
    ("timm:ResNet-50d", "timm", "timm:resnet50d"),
    ("timm:resnet50.a1_in1k", "timm", "timm:resnet50.a1_in1k"),  # with the name of its weights
    ("transformers:llama", "transformers", "transformers:llama"),
    ("transformers:Llama", "transformers", "transformers:llama"),
    ("diffusers:UNet2DConditionModel", "diffusers", "diffusers:UNet2DConditionModel"),
    ("net.py:Net", "python", "net.py:Net"),
    ("net.py::Net", "python", "net.py::Net"),
    ("my.package:model", "python", "my.package:model"),
    ("netsize.sources.classics.lenet5", "python", "netsize.sources.classics.lenet5"),
]


@pytest.mark.parametrize("written, source, model", NAMES)
def test_names_as_people_write_them(written: str, source: str, model: str) -> None:
    found = recognise(written)
    assert (found.source, found.model) == (source, model)
    assert recognise(found.model) == found


UNKNOWN = [
    ("alexnt", "torchvision has no model 'alexnt'. Did you mean alexnet?"),
    ("llama", "torchvision has no model 'llama'. Did you mean transformers:llama?"),
    ("fluxtransformer2dmodel", "Did you mean diffusers:FluxTransformer2DModel?"),
    ("timm:resnet5o", "timm has no model 'resnet5o'. Did you mean resnet50"),
    ("transformers:lama", "transformers has no model 'lama'. Did you mean llama"),
    ("diffusers:UNet", "diffusers has no model 'UNet'."),
    ("nonesuch", "See `netsize list`, or name Python: net.py:Net"),
]


@pytest.mark.parametrize("written, message", UNKNOWN)
def test_what_is_unknown_is_said_with_what_is_near(written: str, message: str) -> None:
    with pytest.raises(UnknownModel) as error:
        recognise(written)
    assert message in str(error.value)


def test_every_name_of_a_library_means_itself() -> None:
    for name in torchvision_models():
        assert recognise(name).model == name
    for library, known in (
        ("timm", timm_models),
        ("transformers", transformers_types),
        ("diffusers", diffusers_classes),
    ):
        assert len(known()) > 100
        assert {recognise(f"{library}:{name}").model for name in known()} == {f"{library}:{name}" for name in known()}


def test_names_are_those_that_the_libraries_give() -> None:
    import timm
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    assert set(timm_models()) == set(timm.list_models())
    assert set(transformers_types()) <= set(CONFIG_MAPPING_NAMES)
    assert (
        len(set(CONFIG_MAPPING_NAMES) - set(transformers_types())) < 30
    )  # some that stand in no table of a source file


FOLDERS = [
    # what lies in a folder, the source, or what is said
    ({"config.json": {"model_type": "bert"}}, "transformers", ""),
    ({"config.json": {"architectures": ["BertModel"]}}, "transformers", ""),
    ({"config.json": {"_class_name": "VQModel"}}, "diffusers", ""),
    ({"config.json": {"hidden": 1}}, "", "describes no network"),
    ({"config.json": [1]}, "", "expected a table, got a list"),
    ({"config.json": {"model_type": 3}}, "", "model_type: expected text, got a whole number"),
    # Mamba's has one, and Python's way of writing it is what transformers reads
    ({"config.json": {"model_type": "mamba2", "time_step_limit": [0.0, float("inf")]}}, "transformers", ""),
    ({"config.json": None}, "", "this is no JSON"),
    ({"model_index.json": {}, "unet/config.json": {}}, "", "is a pipeline of several networks. Count one: here/unet"),
    ({"__init__.py": {}}, "python", ""),
    ({}, "", "is a folder without a config.json"),
    ({"a.safetensors": {}}, "stored", ""),
    ({"a.safetensors": {}, "b.safetensors": {}}, "", "2 files of weights, .* Name one: here/a.safetensors or here/b"),
    ({"a.safetensors": {}, "b.safetensors": {}, "model.safetensors.index.json": {}}, "stored", ""),
]


@pytest.mark.parametrize("files, source, message", FOLDERS)
def test_folders(files, source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        file = tmp_path / "here" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{" if content is None else json.dumps(content))
    (tmp_path / "here").mkdir(exist_ok=True)
    if source:
        assert recognise("here").source == source
        if source in ("transformers", "diffusers"):
            assert recognise("here/config.json").source == source
    else:
        with pytest.raises((BadModel, UnreadableFile), match=message):
            recognise("here")


def test_a_known_name_means_itself_whatever_folders_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alexnet").mkdir()
    assert recognise("alexnet").source == "torchvision"
    with pytest.raises(BadModel, match="is a folder"):
        recognise("alexnet/")


def test_completion_knows_libraries() -> None:
    assert ("timm:resnet50d", "resnet") in complete_model("timm:resnet5")
    alone = [("convnext_pico", "timm: convnext"), ("convnext_pico_ols", "timm: convnext")]
    assert complete_model("convnext_pic") == alone
    assert complete_model("squeezenet1") == [("squeezenet1_0", "squeezenet"), ("squeezenet1_1", "squeezenet")]
    assert ("transformers:llama", "llama") in complete_model("transformers:ll")


def test_list_shows_a_library(netsize) -> None:
    done = netsize("list", "timm:*resnet50*")
    assert (done.status, done.stderr) == (0, "")
    assert "timm:resnet50d" in done.stdout.split()
    assert all("resnet50" in word for word in done.stdout.split() if ":" in word)
    done = netsize("list", "transformers:bert")
    assert "transformers:bert-generation" in done.stdout.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["my@work/net.py:Net", "--input", "5"],
        ["my@work/net.py:Net", "--input", "5", "--set", "out=2", "--set", "out=3"],  # the last one holds
        ["my@work/net.py:Net", "--input", "5", "--set", "out=x", "--set", "out=3"],
    ],
)
def test_a_path_with_an_at_sign_and_doubled_settings(netsize, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "my@work").mkdir()
    (tmp_path / "my@work" / "net.py").write_text(
        "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self, out=3): super().__init__(5, out)\n"
    )
    assert netsize(*arguments, "--json").json["totals"]["connections"] == 15


@pytest.mark.parametrize("model, parts", [
    ("net.py:Net", ("net.py", ":", "Net")),
    ("net.py", ("net.py", "", "")),
    (r"C:\nets\net.py:Net", (r"C:\nets\net.py", ":", "Net")),  # as Windows has paths
    (r"C:\nets\net.py", (r"C:\nets\net.py", "", "")),
    ("d:/nets/net.py:Net", ("d:/nets/net.py", ":", "Net")),
    ("a:Net", ("a", ":", "Net")),  # a module
])  # fmt: skip
def test_the_colon_of_a_drive_names_nothing(model: str, parts: tuple[str, str, str]) -> None:
    assert parts_of(model) == parts
