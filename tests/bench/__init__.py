"""Benchmarks: each measures pairs in one run and prints medians and their ratio; none asserts a time."""
