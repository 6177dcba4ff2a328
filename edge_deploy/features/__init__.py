"""Raw samples to the features that a model sees, by the very C source that runs on the board.

Serves training, evaluation and tests; `firmware/src/features/` is the only implementation. Knows
nothing of models, boards or files.
"""

from edge_deploy.features.audio import AudioFeatures
from edge_deploy.features.base import BadFeatureSettings
from edge_deploy.features.windows import ImageFeatures, MotionFeatures, VibrationFeatures
from edge_deploy.sensing import (
    AudioFeatureSettings,
    FeatureSettings,
    MotionFeatureSettings,
    VibrationFeatureSettings,
)

Features = AudioFeatures | MotionFeatures | VibrationFeatures | ImageFeatures

__all__ = [
    "AudioFeatures",
    "BadFeatureSettings",
    "Features",
    "ImageFeatures",
    "MotionFeatures",
    "VibrationFeatures",
    "of",
]


def of(settings: FeatureSettings) -> Features:
    """What makes the features that some settings ask for.

    Raises BadFeatureSettings, and toolchains.ToolchainMissing or toolchains.CompileFailed.
    """
    if isinstance(settings, AudioFeatureSettings):
        return AudioFeatures(settings)
    if isinstance(settings, MotionFeatureSettings):
        return MotionFeatures(settings)
    if isinstance(settings, VibrationFeatureSettings):
        return VibrationFeatures(settings)
    return ImageFeatures(settings)
