"""Whether the page of supported operators has every operation that ONNXOps.td defines, and no other.

usage: supported_ops.py PAGE ONNXOPS_TD
"""

import pathlib
import re
import sys

# Nodes that the importer writes as another operation.
BECOME_ANOTHER = {"CastLike"}
# Operations that stand for no operator.
NO_OPERATOR = {"Initializer", "None", "Unsupported"}


def main(page, definitions):
    listed = set(re.findall(r"^\| `(\w+)` \|", pathlib.Path(page).read_text(), re.M))
    text = pathlib.Path(definitions).read_text()
    defined = set(re.findall(r'^def ONNX_\w+Op\s*: \w+<"([A-Z]\w*)"', text, re.M)) - NO_OPERATOR
    missing, surplus = defined - listed, listed - defined - BECOME_ANOTHER
    print(f"{len(listed)} listed; missing: {sorted(missing)}; not defined: {sorted(surplus)}")
    return bool(missing or surplus or not listed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
