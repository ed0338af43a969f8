"""What the tests stand on: interpreters, the wheel, environments, homes, applications, sample packages."""
