#!/usr/bin/python3
"""Lists error messages of the sources that no test expects; exits with 1 where there are some.

usage: test/messages.py [SOURCE_TREE]

A message is what a call of one of EMITTERS says: its string literals, put together where they stand side by
side, cut where a value is inserted. It counts as expected where three of its words in a row (all of them, if
it has only two) stand in a file under test/. Messages of one word are left out. UNTESTED has those that no
input provokes, each with the reason; an entry that fits no message, or one that is expected, is an error, too.
"""

import pathlib
import re
import sys

EMITTERS = re.compile(
    r"(emitError|emitOpError|createStringError|[A-Z]\w*Error|\w*[eE]rror|fail\w*|refuse\w*|bad\w*|wrong|invalid)$")
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"\((.*?)\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|[A-Za-z_]\w*|\s+|.', re.S)

# A piece of the text, by the file that says it.
UNTESTED = {
    "lib/Conversion/ONNXToAAC/Linear.cpp": {"features here, the weight takes": "shape"},
    "lib/Conversion/ONNXToAAC/Norm.cpp": {"features here, the normalisation": "shape"},
    "lib/Conversion/ONNXToAAC/Part.cpp": {"features here, the weight takes": "shape", "its features are": "shape"},
    "lib/Conversion/ONNXToAAC/Requantise.cpp": {"features here, its bias": "shape"},
    "lib/Import/ONNX/ExternalData.cpp": {"cannot open the model's directory": "system", "cannot read:": "system",
                                         "not enough memory for": "memory"},
    "lib/Import/ONNX/Fold.cpp": {"no constant": "inner"},
    "lib/Import/ONNX/GraphImporter.cpp": {"cannot order the nodes": "inner"},
    "lib/Import/ONNX/Reader.cpp": {"cannot read:": "system"},
    "lib/Interp/AacInterpreter.cpp": {": expected an aac.task of an aac.suite": "inner"},
    "lib/Interp/Interpreter.cpp": {"cannot evaluate": "inner"},
    "lib/Interp/OnnxInterpreter.cpp": {"not enough memory for its result": "memory"},
    "lib/Sim/Simulator.cpp": {"task '%s': input '%s': %s": "frame", "': cannot simulate": "frame"},
    "lib/Stream/Stream.cpp": {": image at": "frame", ": code of program": "frame"},
    "lib/Support/Npz.cpp": {"cannot build the .npz archive": "memory", "cannot reopen it": "memory",
                            "cannot read it back": "memory"},
    "lib/Transforms/ErrorLedger.cpp": {"has other operations than the reference suite": "inner",
                                       "measuring task": "inner"},
    "lib/Target/StreamTarget.cpp": {"cannot be encoded": "frame"},
    "tools/aac/Add.cpp": {"internal error: adding a task changed": "inner"},
    "tools/aac/Compile.cpp": {"internal error: the compiled stream": "inner", "cannot parse the pipeline": "inner"},
    "tools/aac/Verify.cpp": {"cannot parse the pipeline": "inner"},
    "tools/aac-isa-gen/aac-isa-gen.cpp": {"cannot write": "system"},
    "tools/aac-sim/main.cpp": {"aac-sim: error: ": "frame"},
    "tools/aac-translate/Module.cpp": {"cannot write bytecode": "memory"},
}
REASONS = {
    "frame": "says where; what is wrong is another message in it",
    "inner": "a mistake of our own, not of the input",
    "memory": "memory runs out",
    "shape": "two patterns disagree on a shape; no model is known",
    "system": "the system refuses what it granted just before",
}


def tokens(text):
    line = 1
    for match in TOKEN.finditer(text):
        token = match.group(0)
        if not (token.startswith(("//", "/*")) or token.isspace()):
            yield token, line
        line += token.count("\n")


def unquoted(token):
    if token.startswith("R"):
        return token[3:-2]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), token[1:-1])


def messages(text):
    """Line and literals of each call of an emitter."""
    found = list(tokens(text))
    at = 0
    while at + 1 < len(found):
        name, line = found[at]
        at += 1
        if not EMITTERS.match(name) or found[at][0] != "(":
            continue
        depth, literals, apart = 0, [], True
        while at < len(found):
            token = found[at][0]
            depth += (token in "([{") - (token in ")]}")
            if depth < 0 or (token == ";" and depth == 0):
                break
            if token[0] == '"' or token.startswith('R"'):
                if apart:
                    literals.append("")
                literals[-1] += unquoted(token)
                apart = False
            else:
                apart = True
            at += 1
        yield line, literals


def folded(text):
    return re.sub(r"\s+", " ", text)


def expectations(root):
    """All tests as one text, string literals that stand side by side put together."""
    texts = []
    for path in sorted((root / "test").rglob("*")):
        if path.suffix in (".py", ".test", ".mlir", ".cpp", ".h", ".c") and path.stem != "messages":
            text = re.sub(r'"\s*\n\s*f?r?"', "", path.read_text(encoding="utf-8"))
            texts.append(folded(re.sub(r"\\(.)", r"\1", text)))
    return "\n".join(texts)


def pieces(literals):
    inserted = re.compile(r"%[-+0-9.*]*[a-z]+|\$\d|\{\d\}")
    return [folded(piece).strip().split(" ") for text in literals for piece in inserted.split(text)]


def is_expected(literals, tests):
    split = pieces(literals)
    count = min(3, max(map(len, split)))
    return any(" ".join(words[i:i + count]) in tests for words in split for i in range(len(words) - count + 1))


def main(root):
    tests = expectations(root)
    count, problems = 0, []
    for folder in ("lib", "dialects", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".cpp", ".h"):
                continue
            name = path.relative_to(root).as_posix()
            untested = dict(UNTESTED.get(name, {}))
            used = set()
            for line, literals in messages(path.read_text(encoding="utf-8")):
                if max(map(len, pieces(literals)), default=0) < 2:
                    continue
                count += 1
                whole = folded("…".join(literals))
                entry = next((piece for piece in untested if piece in whole), None)
                if is_expected(literals, tests):
                    continue
                if entry:
                    used.add(entry)
                else:
                    problems.append(f"{name}:{line}: no test expects: {whole}")
            problems += [f"{name}: '{entry}' is tested or gone: take it out of UNTESTED"
                         for entry in untested if entry not in used]
    assert all(reason in REASONS for entries in UNTESTED.values() for reason in entries.values())
    print("\n".join(problems) if problems else f"{count} messages, each with a test or a reason")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
