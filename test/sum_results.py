"""Adds up the JUnit files of a folder and prints `N passed, N failed[, N skipped]` as the last line.

A missing or unreadable file counts as one failure: a test runner that died must not look clean.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

EXPECTED = ("unit.xml", "lit.xml")


def main(folder):
    passed = failed = skipped = 0
    names = sorted({*EXPECTED, *(path.name for path in folder.glob("*.xml"))})
    for name in names:
        try:
            cases = list(ElementTree.parse(folder / name).iter("testcase"))
        except (OSError, ElementTree.ParseError) as error:
            print(f"{name}: {error}")
            failed += 1
            continue
        for case in cases:
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                skipped += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
