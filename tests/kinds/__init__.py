"""Kinds of patch: cases as text files, and the three ways in which a patch meets a process."""
