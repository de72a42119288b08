"""Made-up traffic of the exchange: seeded flows of frames for tapes, samples, tests and benchmarks."""
