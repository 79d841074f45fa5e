"""The learned part of the engine: phrase memory, features, trees, calibration. How they are learned is `training`."""
