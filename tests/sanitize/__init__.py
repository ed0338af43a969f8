"""The Rust parts under sanitizers."""
