"""Networks of timm, transformers and diffusers: their published sizes, verified by running them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import netsize
from netsize.errors import NetsizeError

LLAMA3 = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "max_position_embeddings": 8192, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "torch_dtype": "bfloat16", "rope_theta": 500000.0, "tie_word_embeddings": False,
}  # fmt: skip
SD15 = {
    "_class_name": "UNet2DConditionModel", "cross_attention_dim": 768, "sample_size": 64, "attention_head_dim": 8,
}  # fmt: skip

# Shapes of published networks, as settings of their type.
QWEN3_8B = {
    "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
}  # fmt: skip
QWEN3_30B_A3B = {
    "hidden_size": 2048, "moe_intermediate_size": 768, "num_hidden_layers": 48, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151936,
}  # fmt: skip
QWEN25_7B = {
    "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "vocab_size": 152064,
}  # fmt: skip
GEMMA2_9B = {
    "hidden_size": 3584, "intermediate_size": 14336, "num_hidden_layers": 42, "num_attention_heads": 16,
    "num_key_value_heads": 8, "head_dim": 256, "vocab_size": 256000,
}  # fmt: skip
GEMMA3_1B = {
    "hidden_size": 1152, "intermediate_size": 6912, "num_hidden_layers": 26, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262144,
}  # fmt: skip
PHI2 = {
    "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32, "num_attention_heads": 32,
    "vocab_size": 51200,
}  # fmt: skip
PHI3_MINI = {
    "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 32, "vocab_size": 32064,
}  # fmt: skip
BERT_LARGE = {
    "num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
}  # fmt: skip
WHISPER_LARGE_V3 = {
    "d_model": 1280, "encoder_layers": 32, "decoder_layers": 32, "encoder_attention_heads": 20,
    "decoder_attention_heads": 20, "encoder_ffn_dim": 5120, "decoder_ffn_dim": 5120, "num_mel_bins": 128,
    "vocab_size": 51866,
}  # fmt: skip
CLIP_L_14 = {
    "projection_dim": 768, "text_config.hidden_size": 768, "text_config.intermediate_size": 3072,
    "text_config.num_attention_heads": 12, "vision_config.hidden_size": 1024, "vision_config.patch_size": 14,
    "vision_config.intermediate_size": 4096, "vision_config.num_hidden_layers": 24,
    "vision_config.num_attention_heads": 16,
}  # fmt: skip
SDXL = {
    "cross_attention_dim": 2048, "block_out_channels": (320, 640, 1280), "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20), "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816, "use_linear_projection": True, "sample_size": 128,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
PUBLISHED = [
    # a MODEL or a configuration, settings, connections (or None), parameters, and who says so
    (LLAMA3, {}, 964_891_246_592, 8_030_261_248),  # Llama 3 8B at 128 tokens: its model card says 8.03B
    ("transformers:llama", {}, None, 6_738_415_616),  # Llama 2 7B, whose shape the defaults are
    ("transformers:mistral", {}, None, 7_241_732_096),  # Mistral 7B: 7.24B
    ("transformers:mixtral", {"tokens": 64}, 816_983_310_336, 46_702_792_704),  # Mixtral 8x7B: 46.7B
    ("transformers:qwen3", {"settings": QWEN3_8B}, None, 8_190_735_360),  # 8.2B
    ("transformers:qwen3_moe", {"settings": QWEN3_30B_A3B}, None, 30_532_122_624),  # 30.5B
    ("transformers:qwen2", {"settings": QWEN25_7B}, None, 7_615_616_512),  # Qwen 2.5 7B: 7.61B
    ("transformers:gemma2", {"settings": GEMMA2_9B}, None, 9_241_705_984),  # 9.24B
    ("transformers:gemma3_text", {"settings": GEMMA3_1B}, None, 999_885_952),  # 1.0B
    ("transformers:phi", {"settings": PHI2}, None, 2_779_683_840),  # Phi-2: 2.78B
    ("transformers:phi3", {"settings": PHI3_MINI}, None, 3_821_079_552),  # Phi-3 mini: 3.82B
    ("transformers:deepseek_v3", {}, None, 671_026_404_352),  # 671B
    ("transformers:gpt_oss", {}, None, 116_829_156_672),  # gpt-oss-120b: 116.8B
    ("transformers:gpt2", {"tokens": 1024}, 145_824_153_600, 124_439_808),  # nanoGPT's notebook; 124M
    ("transformers:gpt2", {"settings": {"n_layer": 48, "n_head": 25, "n_embd": 1600}}, None, 1_557_611_200),  # XL: 1.5B
    ("transformers:bert", {"task": "base"}, None, 109_482_240),  # bert-base-uncased, 110M in Devlin et al. 2018
    ("transformers:bert", {"task": "base", "settings": BERT_LARGE}, None, 335_141_888),  # 340M there
    ("transformers:distilbert", {"task": "base"}, None, 66_362_880),  # 66M in Sanh et al. 2019
    ("transformers:t5", {}, None, 60_506_624),  # t5-small, 60M in Raffel et al. 2020
    ("transformers:whisper", {}, None, 37_760_640),  # whisper-tiny: 39M with its fixed positions
    ("transformers:whisper", {"settings": WHISPER_LARGE_V3}, None, 1_543_490_560),  # 1.54B
    ("transformers:vit", {"task": "base"}, None, 86_389_248),  # ViT-B/16, with a pooler
    ("transformers:vit", {"settings": {"num_labels": 1000}}, 17_563_828_224, 86_567_656),  # as torchvision's
    ("transformers:clip", {}, None, 151_277_313),  # CLIP ViT-B/32: 151M
    ("transformers:clip", {"settings": CLIP_L_14}, None, 427_616_513),  # ViT-L/14: 428M
    ("transformers:siglip", {}, None, 203_155_970),  # base, 224: 203M
    (
        "transformers:dinov2",
        {"task": "base", "settings": {"image_size": 518, "patch_size": 14}},
        None,
        86_580_480,
    ),  # 86M
    (SD15, {}, 401_636_720_640, 859_520_964),  # the U-Net of Stable Diffusion 1.x: 860M in Rombach et al. 2022
    ("diffusers:UNet2DConditionModel", {"settings": SDXL}, None, 2_567_463_684),  # 2.6B in Podell et al. 2023
    ("diffusers:FluxTransformer2DModel", {"settings": {"guidance_embeds": True}}, None, 11_901_408_320),  # FLUX.1 dev
    ("diffusers:DiTTransformer2DModel", {}, None, 749_808_016),  # DiT-XL/2 with the tables of each of its 28 blocks
    ("timm:resnet50", {}, 4_089_184_256, 25_557_032),  # as torchvision's
    ("timm:vit_base_patch16_224.mae", {}, None, 85_798_656),  # ViT-B/16 without a classifier
    ("timm:vit_large_patch14_dinov2", {}, None, 304_367_616),  # DINOv2's ViT-L/14 but for its mask token: 304M
]


def given(model, tmp_path: Path) -> str:
    if isinstance(model, str):
        return model
    (tmp_path / "config.json").write_text(json.dumps(model))
    return str(tmp_path)


@pytest.mark.parametrize("model, settings, connections, parameters", PUBLISHED)
def test_published_sizes(model, settings, connections: int | None, parameters: int, tmp_path: Path) -> None:
    report = netsize.analyze(given(model, tmp_path), device="cpu", verify=False, **settings)
    assert report.totals.parameters == parameters
    assert connections is None or report.totals.connections == connections
    assert report.complete


VERIFIED = [
    # a MODEL, and what makes it small
    ("transformers:llama", {"num_hidden_layers": 1, "hidden_size": 64, "intermediate_size": 96}),
    ("transformers:bert", {"num_hidden_layers": 1, "vocab_size": 99}),
    ("transformers:vit", {"num_hidden_layers": 1}),
    ("transformers:whisper", {"encoder_layers": 1, "decoder_layers": 1}),
    ("transformers:wav2vec2", {"num_hidden_layers": 1}),
    ("transformers:clip", {"text_config.num_hidden_layers": 1, "vision_config.num_hidden_layers": 1}),
    ("transformers:mamba", {"num_hidden_layers": 1, "vocab_size": 99}),
    ("transformers:t5", {"num_layers": 1, "vocab_size": 99}),
    ("transformers:altclip_text_model", {"num_hidden_layers": 1, "vocab_size": 99}),  # a part of another one
    ("diffusers:UNet2DConditionModel", {"block_out_channels": (32, 32, 32, 32), "sample_size": 16}),
    ("diffusers:DiTTransformer2DModel", {"num_layers": 1, "num_attention_heads": 2}),
    ("diffusers:AutoencoderKL", {}),
    ("diffusers:FluxTransformer2DModel", {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2}),
    ("diffusers:SD3Transformer2DModel", {"num_layers": 1, "num_attention_heads": 2, "caption_projection_dim": 128}),
    ("diffusers:PixArtTransformer2DModel", {"num_layers": 1, "sample_size": 16}),
    ("timm:convnext_pico", {}),
    ("timm:vit_tiny_patch16_224", {}),
]


@pytest.mark.parametrize("model, settings", VERIFIED, ids=[model for model, _ in VERIFIED])
def test_verified_by_running(model: str, settings) -> None:
    more = {"image": 32} if "Flux" in model or "SD3" in model else {}
    report = netsize.analyze(model, device="cpu", settings=settings, **more)
    assert (report.verification.status, report.uncounted) == ("passed", ())
    assert report.source.model == model


def test_flop_counter_agrees_with_a_decoder() -> None:
    import transformers

    config = transformers.MistralConfig(num_hidden_layers=2, hidden_size=64, intermediate_size=96, vocab_size=99)
    network = transformers.MistralForCausalLM._from_config(config, attn_implementation="eager").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 17, dtype=torch.long))
    settings = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "vocab_size": 99}
    report = netsize.analyze("transformers:mistral", device="cpu", tokens=17, settings=settings)
    assert 2 * report.totals.connections == counter.get_total_flops()


SIZES = [
    # a MODEL, how large its own input is to be, and the input
    ("transformers:bert", {"tokens": 7}, [(1, 7)]),
    ("transformers:vit", {"image": 32}, [(1, 3, 32, 32)]),
    ("transformers:resnet", {"image": (64, 96)}, [(1, 3, 64, 96)]),
    ("transformers:openai-gpt", {}, [(1, 128)]),
    ("transformers:bert", {"settings": {"max_position_embeddings": 40}}, [(1, 40)]),  # no more than there are positions
    ("timm:resnet50d", {"image": 64}, [(1, 3, 64, 64)]),
    ("timm:vit_tiny_patch16_224", {"image": 64}, [(1, 3, 64, 64)]),  # which is built for it
    ("alexnet", {"image": 100}, [(1, 3, 100, 100)]),
    ("vit_b_16", {"image": 64}, [(1, 3, 64, 64)]),
    ("gpt2", {"tokens": 16}, [(1, 16)]),
    ("diffusers:UNet2DModel", {"image": 32}, [(1, 3, 32, 32), (1,)]),
]


@pytest.mark.parametrize("model, size, expected", SIZES)
def test_its_own_input_at_another_size(model: str, size, expected) -> None:
    report = netsize.analyze(model, device="cpu", verify=False, **size)
    assert list(report.input) == expected


WRONG = [
    # a MODEL or configuration, options, and what is said
    ("alexnet", ["--tokens", "5"], "--tokens: alexnet has no such input of its own; say --input"),
    ("alexnet", ["--task", "base"], "alexnet has one head; --task is for networks of transformers"),
    ("alexnet", ["--image", "huge"], "expected the side of a square, or height and width"),
    ("alexnet", ["--image", "64", "--input", "3x64x64"], "leave --input away"),
    ("transformers:vit", ["--tokens", "5"], "takes no text, but pixel_values"),
    ("transformers:bert", ["--image", "5"], "takes no image, but input_ids"),
    ("transformers:bert", ["--task", "causal"], "has base, causal-lm, masked-lm"),
    ("transformers:bert", ["--set", "hiden_size=3"], "has no 'hiden_size'. Did you mean hidden_size?"),
    ("timm:resnet50", ["--set", "pretrained=true"], "networks are counted untrained"),
    ("timm:resnet50", ["--set", "nonsense=3"], "cannot be built"),
    ("diffusers:VQModel", ["--set", "in_channel=3"], "takes none such. Did you mean in_channels"),
    ({"model_type": "nonesuch"}, [], "has no model type 'nonesuch'"),
    ({"model_type": "my_own", "auto_map": {"AutoModel": "modeling.Net"}}, [], "which netsize does not run"),
    ({"_class_name": "Nonesuch"}, [], "has no network 'Nonesuch'"),
    ({"_class_name": "StableDiffusionPipeline"}, [], "has no network 'StableDiffusionPipeline'"),
    ({"model_type": "llama", "num_hidden_layers": 1, "vocab_size": 0}, [], "gives input_ids no size that can be"),
    ({"_class_name": "VQModel", "sample_size": {"a": 1}}, [], "gives sample no size that can be"),
    ({"model_type": "bert", "num_hidden_layers": "many"}, [], "describes no network"),
]


@pytest.mark.parametrize("model, options, message", WRONG)
def test_what_is_wrong_is_said(netsize, tmp_path: Path, model, options: list[str], message: str) -> None:
    done = netsize(given(model, tmp_path), "--no-verify", *options)
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_nothing_of_a_folder_is_run(netsize, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x", "auto_map": {"AutoModel": "modeling.Net"}}))
    (tmp_path / "modeling.py").write_text("open('run', 'w')")
    assert netsize(str(tmp_path)).status == 2
    assert not (tmp_path / "run").exists()


def test_quantized_weights_are_said(tmp_path: Path) -> None:
    config = {"model_type": "llama", "num_hidden_layers": 1, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    report = netsize.analyze(given(config, tmp_path), device="cpu", verify=False)
    assert report.notes == ("its weights are stored quantized (gptq); counted is the network that they stand for",)


def test_a_library_says_nothing_itself(netsize) -> None:
    done = netsize("transformers:big_bird", "--set", "num_hidden_layers=1", "--no-verify")
    assert (done.status, done.stderr) == (0, "")


def test_what_was_found_is_remembered_by_the_content_of_the_file(netsize, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"model_type": "vit", "num_hidden_layers": 1}))
    assert netsize("config.json", "--json").json["verification"]["remembered"] is None
    assert netsize("config.json", "--json").json["verification"]["remembered"] is not None
    file.write_text(json.dumps({"model_type": "vit", "num_hidden_layers": 2}))
    again = netsize("config.json", "--json").json
    assert again["verification"]["remembered"] is None
    assert sum(layer["path"].endswith("mlp.fc1") for layer in again["layers"]) == 2


HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == {0!r} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from netsize.commands.cli import main
sys.exit(main({1!r}))
"""


@pytest.mark.parametrize("library, model", [("timm", "resnet50d"), ("transformers", "llama"), ("diffusers", "VQModel")])
def test_without_the_library_the_message_says_what_to_install(library: str, model: str) -> None:
    code = HIDDEN.format(library, [f"{library}:{model}"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    expected = f"netsize: {library} is not installed here. Install it: pip install 'netsize[{library}]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_from_python_a_bad_model_is_an_error_of_netsize() -> None:
    with pytest.raises(NetsizeError):
        netsize.analyze("transformers:nonesuch")
