"""How long tests wait for a program that may hang: many times what it takes. PATIENCE=10 in the environment: ten times as long, for
builds and machines that are slow."""
import os


def patience(seconds):
    return seconds * int(os.environ.get("PATIENCE", "1"))
