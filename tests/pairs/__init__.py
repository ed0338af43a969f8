"""Neighbouring releases of real packages: what a patched process holds, beside one with the newer release."""
