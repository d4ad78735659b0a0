"""Prints the arrays of .npz files: python3 -m aac.show FILE.npz ..."""

import sys

import numpy as np


def main(paths):
    for path in paths:
        with np.load(path) as arrays:
            for name in arrays.files:
                shape = "x".join(map(str, arrays[name].shape))
                values = np.array2string(arrays[name], precision=4, suppress_small=True)
                print(f"{name} ({arrays[name].dtype} {shape}): {values}")


if __name__ == "__main__":
    main(sys.argv[1:])
