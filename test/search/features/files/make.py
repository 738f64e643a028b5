"""Writes the HDF5 files of the tests beside itself: /usr/bin/python3 make.py (Debian: python3-h5py)."""
from pathlib import Path

import h5py
import numpy as np

here = Path(__file__).parent
vectors = (np.arange(20).reshape(5, 4) - 7.5).astype("f4")

# As h5py writes by default: superblock 0, old groups, rows one after another.
with h5py.File(here / "old.h5", "w", libver="earliest") as file:
    file["features"] = vectors
    file.create_dataset("paths", data=[f"images/{name}.png" for name in "abcdé"], dtype=h5py.string_dtype())

# Superblock 3, new groups, chunks that do not divide the rows, packed; and all that is to be refused.
with h5py.File(here / "new.h5", "w", libver="latest") as file:
    train = file.create_group("train")
    train.create_dataset("x", data=vectors.astype(">f8"), chunks=(2, 3), compression="gzip", shuffle=True)
    train["numbers"] = np.array([2100000001, 2100000002, 3, 2**53 + 1, -5])
    train["short"] = np.arange(3)
    train["twice"] = np.array([1, 2, 2, 3, 1], "i2")
    train["fixed"] = np.array([b"a", b"bb", b"c", b"d", b"e"])
    damaged = vectors.copy()
    damaged[1, 2], damaged[3, 0] = np.nan, np.inf
    train["damaged"] = damaged
    blank = vectors.copy()
    blank[2] = 0
    train["blank"] = blank
    file["flat"] = vectors.ravel()
    file["whole"] = np.arange(20).reshape(5, 4)
    file["half"] = vectors.astype("f2")
    file["none"] = np.zeros((0, 4), "f4")
    file["scalar"] = 1.5
    file["broken"] = h5py.SoftLink("/nowhere")
    train["loop"] = train
