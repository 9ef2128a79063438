"""DeiT: Touvron et al. 2021, "Training data-efficient image transformers": ViT in two sizes that torchvision lacks (its
vit_b_16 is DeiT-B), without the token of distillation."""

from torch import nn


def deit_tiny(num_classes: int = 1000) -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(224, 16, 12, 3, 192, 768, num_classes=num_classes)


def deit_small(num_classes: int = 1000) -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(224, 16, 12, 6, 384, 1536, num_classes=num_classes)
