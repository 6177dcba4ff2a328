"""Sound to the features that a model sees, by the very C source that runs on the board.

`AudioFeatures` serves training, evaluation and tests; `firmware/src/features/` is the only
implementation. Knows nothing of models, boards or files of sound.
"""

from edge_deploy.features.audio import AudioFeatures, BadFeatureSettings

__all__ = ["AudioFeatures", "BadFeatureSettings"]
