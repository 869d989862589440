"""Programs that measure accuracy and speed and print tables: ``python -m benchmarks.NAME``."""
