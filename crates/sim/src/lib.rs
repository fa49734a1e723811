//! Deterministic simulator, oracle and the simulated systems of the demo world.
