//===- Compile.h - the steps of aac compile ---------------------*- C++ -*-===//
#ifndef AAC_TOOLS_AAC_COMPILE_H
#define AAC_TOOLS_AAC_COMPILE_H

#include "Common.h"

#include "aac/Cost/Encoding.h"
#include "aac/Machine/Machine.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Stream/Stream.h"
#include <set>
#include <string>
#include <vector>

namespace aac::tool {

/// Name of the number format that engines have.
inline std::string engineFormatName() {
  return absl::StrCat("af", kEngineFormat.bits, "e", kEngineFormat.exponentBits);
}

/// The calibration that searchCalibration() resolves.
inline constexpr char kSearch[] = "search";

struct CompileArguments {
  OnnxArguments onnx; ///< with --add: the directory alone
  std::string machine = "edgebert-rram", output, emit, sparsity, format = engineFormatName();
  std::string merge = "equal", calibration = kSearch, codec = "none";
  std::string formats; ///< PATTERN=FORMAT,...
  std::string budget, config, saveConfig;
  bool ledger = false;
  std::vector<std::string> prune, calibrate, added;
  std::set<std::string> given; ///< options that the command line or --config has, without dashes
  unsigned threads = 0, resync = 64;
  bool explain = false, printPipeline = false, allowFork = false;
};

/// Name of the file of a directory of results that holds the suite as placed, from which a task
/// can be added.
inline constexpr char kPlacedFile[] = "/suite.placed.mlirbc";

/// A step of the compilation and the pipeline that does it.
struct Stage {
  const char *name;     ///< what --emit calls its result
  const char *progress; ///< for people
  std::string pipeline;
};

/// Shows what is going on, on a terminal only.
class Progress {
public:
  explicit Progress(size_t steps);
  ~Progress();
  void step(const std::string &what);

private:
  size_t steps, number = 0;
  bool shown;
};

void runStage(mlir::ModuleOp module, const Stage &stage);
std::string bytecodeOf(mlir::ModuleOp module);
void write(const std::string &path, const std::string &bytes);

/// The ledger of a suite that was quantised with `--budget`, `--ledger` or both.
struct Measured {
  std::string text, json;
};

/// What a compilation leaves in its directory, and what its report needs.
struct Compiled {
  std::string suite;  ///< suite.mlirbc: what was meant, before anything was rounded
  std::string placed; ///< suite.placed.mlirbc
  std::string bytes;  ///< suite.aacs
  Stream stream;
  cost::Encoding encoding; ///< for the report
  Measured measured;       ///< ledger.txt and ledger.json, if not empty
};

/// The stages behind the import, in their order.
std::vector<Stage> stagesOf(const CompileArguments &arguments);

/// The calibration (TASK=METHOD,...) with which each task of `module`, a suite as raised, that has
/// samples of its own comes nearest to its f32 results on the simulated machine. A remark at each
/// task says what was tried. Compiles and simulates once a candidate.
std::string searchCalibration(mlir::ModuleOp module, CompileArguments arguments,
                              const Machine &machine);

/// Options of the compress pipeline, but for samples: those a task that is added later has too.
std::vector<std::string> optionsOf(const CompileArguments &arguments);

/// Sets the arguments that the file --config names and that `command` was not given, and
/// `arguments.given`. Fails the command with the file and the field that is wrong.
void readConfig(const CLI::App &command, CompileArguments &arguments);
/// Writes the arguments, `formats` as they are in the end, to --save-config.
void writeConfig(const CompileArguments &arguments);

/// Compresses the suite of `module` as raised, and measures what that costs. Where --budget is
/// missed, an analysis (--emit=compressed) gets wider formats, which `arguments.formats` then
/// names; a compilation fails with what it would take.
Measured compressMeasured(mlir::OwningOpRef<mlir::ModuleOp> &module, CompileArguments &arguments);

/// Keeps the placed suite, and how it is encoded.
void keepPlaced(mlir::ModuleOp module, const Machine &machine, Compiled &compiled);
/// The stream of a module of one cmd.stream, proven by the checker; its images in the form that
/// `codec` names.
void makeStream(mlir::ModuleOp module, const Machine &machine, const std::string &codec,
                Compiled &compiled);
/// Costs the stream, writes everything to `directory` and returns the report's headline.
std::string writeResults(const Compiled &compiled, const Machine &machine,
                         const std::string &directory);

/// aac compile --add: adds tasks to what a compilation left in a directory.
void runAdd(const CompileArguments &arguments);

} // namespace aac::tool

#endif // AAC_TOOLS_AAC_COMPILE_H
