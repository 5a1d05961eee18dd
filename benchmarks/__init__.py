"""What the library costs, measured against an auth of five lines: `python -m benchmarks`."""
