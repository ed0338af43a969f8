"""Fuzzing of what reads files, messages and code objects of others; the targets are written in Rust."""
