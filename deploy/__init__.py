"""How the platform runs: the processes as data, the local stack, the images."""
