"""Hands out files of one folder by their names."""

import pathlib


def locate(folder, name):
    return pathlib.Path(folder) / name


def read(folder, name):
    path = locate(folder, name)
    return path.read_text() if path.is_file() else None
