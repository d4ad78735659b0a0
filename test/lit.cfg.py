"""How lit runs the tests: which files are tests, and what the names in their RUN lines mean.

Commands are found on PATH, which starts with this build's bin/ and then LLVM's:
  aac, aac-opt, aac-translate, aac-sim, aac-isa-gen   this build's tools
  FileCheck, not, count, split-file                   LLVM's
Substitutions:
  %python    a Python that has numpy and onnx, with python/ of the source tree on its path
  %source    the source tree; %machines its machines/; %build the build tree
  %shared    the sample models and vectors (AAC_SHARED, or ../shared beside the source tree);
             tests that use it say `REQUIRES: shared` and are reported unsupported without it
"""

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "aac"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
# Unit tests belong to CTest; Inputs/ are what tests read.
config.excludes = ["unit", "python", "Inputs"]
config.test_source_root = os.path.join(config.aac_source_dir, "test")
config.test_exec_root = os.path.join(config.aac_binary_dir, "test")

bin_dir = os.path.join(config.aac_binary_dir, "bin")
llvm_config.with_environment("PATH", [bin_dir, config.llvm_tools_dir], append_path=True)
llvm_config.with_environment("PYTHONPATH", os.path.join(config.aac_source_dir, "python"))
llvm_config.with_environment("PYTHONDONTWRITEBYTECODE", "1")

for tool in filter(None, config.aac_tools):
    config.available_features.add("tool-" + tool)

if config.sanitizers:
    config.available_features.add("sanitizers")

config.substitutions.append(("%python", f'"{config.python}"'))
config.substitutions.append(("%source", config.aac_source_dir))
config.substitutions.append(("%build", config.aac_binary_dir))
config.substitutions.append(("%machines", os.path.join(config.aac_source_dir, "machines")))

shared = os.environ.get("AAC_SHARED") or os.path.join(config.aac_source_dir, os.pardir, "shared")
shared = os.path.abspath(shared)
if os.path.isdir(os.path.join(shared, "models")):
    config.available_features.add("shared")
    config.substitutions.append(("%shared", shared))
else:
    lit_config.note(f"no sample models in {shared}: tests that need them are unsupported "
                    "(AAC_SHARED names another folder)")
