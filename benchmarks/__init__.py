"""Benchmarks: ratios of ours over a reference, measured in alternating rounds of one run, with row counts checked."""
