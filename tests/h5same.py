"""Are two run files the same but for /provenance? h5diff finds files of different shapes "not comparable", and ends with 0."""
import h5py
import numpy as np

APART = ("DIMENSION_LIST", "REFERENCE_LIST")  # references, which differ in the order of their objects


def contents(path):
    """Every object outside /provenance: shape, type and bytes, and its attributes."""
    found = {}

    def see(name, item):
        if name.split("/")[0] == "provenance":
            return
        attributes = {key: np.asarray(value).tolist() for key, value in item.attrs.items() if key not in APART}
        data = (item.shape, str(item.dtype), item[...].tobytes()) if isinstance(item, h5py.Dataset) else None
        found[name] = (data, repr(attributes))

    with h5py.File(path) as file:
        see("", file)
        file.visititems(see)
    return found


def differences(a, b):
    """Names of what differs."""
    one, other = contents(a), contents(b)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
