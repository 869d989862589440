"""A study that never was: BIDS images with known connectivity, for the demo and the tests."""
