//===- Add.cpp - aac compile --add: one more task for a compiled suite ----===//
//
// What is in the field must not change, so that only what is new has to be sent there: the
// new stream has every image of the old one, with the same bytes at the same addresses, and
// the same programs for the tasks that were there. That is proven here by comparing the two
// streams, whatever the passes did. The steps are in aac/Transforms/AddTask.h.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"

#include "aac/InitAll.h"
#include "aac/Pipelines/ToolContext.h"
#include "aac/Support/File.h"
#include "aac/Transforms/AddTask.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include <iostream>
#include <map>

using namespace mlir;

namespace aac::tool {
namespace {

/// The suite of a file of `directory`.
OwningOpRef<ModuleOp> loadSuite(MLIRContext &context, const std::string &path) {
  if (!llvm::sys::fs::exists(path))
    fail(absl::StrCat(path, " is missing: --add takes the directory that `aac compile -o` wrote"));
  OwningOpRef<ModuleOp> module = loadModule(context, path);
  if (llvm::range_size(module->getOps<ir::SuiteOp>()) != 1)
    fail(absl::StrCat(path, " does not hold one suite"));
  return module;
}

ir::SuiteOp suiteOf(ModuleOp module) { return *module.getOps<ir::SuiteOp>().begin(); }

std::string optionOf(ir::SuiteOp suite, StringRef name, const std::string &path) {
  auto value = suite->getAttrOfType<StringAttr>(name);
  if (!value)
    fail(absl::StrCat(path, " does not say what it was compiled with: compile it again"));
  return value.str();
}

/// The options among those of a compression that concern encoding.
std::string encodeOptionsOf(const std::string &options) {
  std::string mine;
  for (absl::string_view option : absl::StrSplit(options, ' '))
    if (absl::StartsWith(option, "tile-rows="))
      absl::StrAppend(&mine, " ", option);
  return mine;
}

/// `options` without the calibrations of tasks that are there: they do not concern a new one.
std::string withoutCalibrations(const std::string &options) {
  std::vector<absl::string_view> kept;
  for (absl::string_view option : absl::StrSplit(options, ' ')) {
    absl::string_view value = option;
    if (!absl::ConsumePrefix(&value, "calibration=") || !absl::StrContains(value, '='))
      kept.push_back(option);
  }
  return absl::StrJoin(kept, " ");
}

/// Fails where an option was given that is not what the suite in `directory` was compiled with:
/// the new task's shared parameters would not be those that are stored. `stored` are the options
/// of its compression.
void checkGiven(const CompileArguments &arguments, const std::string &directory,
                const std::string &stored, const std::string &codec) {
  for (const char *option : {"ledger", "budget", "save-config"})
    if (arguments.given.count(option))
      throw CLI::ValidationError(
          "--add", absl::StrCat("compiles with the options of the suite; it has no --", option));
  auto valueIn = [](const std::vector<std::string> &options, absl::string_view name) {
    for (absl::string_view option : options)
      if (absl::ConsumePrefix(&option, name) && absl::ConsumePrefix(&option, "="))
        return std::string(option);
    return std::string();
  };
  std::vector<std::string> now = optionsOf(arguments), then = absl::StrSplit(stored, ' ');
  now.push_back(absl::StrCat("codec=", arguments.codec));
  then.push_back(absl::StrCat("codec=", codec));
  // As the command line and the pipeline call them.
  for (auto [option, name] :
       std::initializer_list<std::pair<const char *, const char *>>{{"sparsity", "sparsity"},
                                                                    {"prune", "prune"},
                                                                    {"merge", "merge"},
                                                                    {"calibration", "calibration"},
                                                                    {"format", "format"},
                                                                    {"formats", "formats"},
                                                                    {"resync", "tile-rows"},
                                                                    {"codec", "codec"}}) {
    std::string mine = valueIn(now, name), theirs = valueIn(then, name);
    if (arguments.given.count(option) && mine != theirs)
      fail(absl::StrCat(directory, " was compiled with ",
                        theirs.empty() ? absl::StrCat("the default of --", option)
                                       : absl::StrCat("--", option, "=", theirs),
                        mine.empty() ? ", not another one"
                                     : absl::StrCat(", not --", option, "=", mine),
                        ": leave it out, or compile all tasks together"));
  }
}

/// Bytes that a stream has more than another.
struct Growth {
  std::map<std::string, uint64_t> images, kept; ///< by tier
  uint64_t programs = 0;
};

/// Proves that `after` keeps all that tasks of `before` need, and counts what it adds.
Growth compare(const Stream &before, const Stream &after) {
  auto broken = [](const auto &...what) {
    fail(absl::StrCat("internal error: adding a task changed ", what...));
  };
  Growth growth;
  std::map<uint64_t, const Image *> old;
  for (const Image &image : before.images)
    old[image.address] = &image;
  size_t found = 0;
  for (const Image &image : after.images) {
    auto same = old.find(image.address);
    if (same == old.end()) {
      growth.images[image.tier] += image.bytes.size();
      continue;
    }
    if (same->second->tier != image.tier || same->second->bytes != image.bytes)
      broken("the bytes at ", image.address, " of ", image.tier);
    growth.kept[image.tier] += image.bytes.size();
    ++found;
  }
  if (found != old.size())
    broken("what is stored: ", old.size() - found, " images are gone");
  std::map<std::string, const Program *> programs;
  for (const Program &program : after.programs)
    programs[program.name] = &program;
  for (const Program &program : before.programs) {
    // Power-on is not a task's: it may be divided anew among those that share what it copies.
    if (program.role == ProgramRole::PowerOn)
      continue;
    auto same = programs.find(program.name);
    if (same == programs.end() || same->second->code != program.code)
      broken("program ", program.name);
    programs.erase(same);
  }
  for (auto &[name, program] : programs) {
    if (program->role == ProgramRole::PowerOn)
      continue;
    auto code = isa::encodeProgram(program->code);
    if (code.ok())
      growth.programs += code->size();
  }
  return growth;
}

std::string bytesByTier(const std::map<std::string, uint64_t> &tiers) {
  std::vector<std::string> parts;
  parts.reserve(tiers.size());
  for (const auto &[tier, bytes] : tiers)
    parts.push_back(absl::StrCat(bytes, " bytes in ", tier));
  return parts.empty() ? "nothing" : absl::StrJoin(parts, ", ");
}

} // namespace

void runAdd(const CompileArguments &arguments) {
  if (arguments.onnx.sources.size() != 1)
    throw CLI::ValidationError("--add", "takes one directory, which an earlier compilation wrote");
  if (!arguments.emit.empty() || arguments.printPipeline)
    throw CLI::ValidationError("--add", "writes all results; it has no --emit or --print-pipeline");
  std::string directory = arguments.onnx.sources.front();
  while (directory.size() > 1 && absl::EndsWith(directory, "/"))
    directory.pop_back();

  registerAllPasses();
  auto context = makeToolContext("aac", arguments.explain);
  if (arguments.threads == 1)
    context->disableMultithreading();
  Progress progress(2 + 4 * arguments.added.size());
  progress.step("reading the suite");
  Compiled compiled;
  std::string placedPath = directory + kPlacedFile;
  auto placed = loadSuite(*context, placedPath);
  auto original = loadSuite(*context, directory + "/suite.mlirbc");
  auto oldBytes = readFile(directory + "/suite.aacs");
  if (!oldBytes.ok())
    fail(oldBytes.status());
  auto before = deserialize(*oldBytes);
  if (!before.ok())
    fail(absl::StrCat(directory, "/suite.aacs: ", before.status().message()));

  ir::SuiteOp suite = suiteOf(*placed);
  std::string name = optionOf(suite, "aac.machine", placedPath);
  if (arguments.given.count("machine"))
    name = arguments.machine;
  auto machine = Machine::load(name, defaultMachinePath());
  if (!machine.ok())
    fail(machine.status());
  if (machine->text() != before->machine)
    fail(absl::StrCat(directory, " was compiled for machine ", before->machineName,
                      ", whose description is not that of ", name,
                      ": a task is added to the machine that the suite is on"));
  std::string options = optionOf(suite, "aac.options", placedPath);
  bool coded = llvm::any_of(before->images, [](const Image &image) { return image.coded; });
  std::string codec = coded ? "entropy" : "none";
  checkGiven(arguments, directory, options, codec);
  options = withoutCalibrations(options);
  if (!arguments.calibrate.empty())
    absl::StrAppend(&options, " calibrate=", absl::StrJoin(arguments.calibrate, ","));

  std::vector<std::string> names;
  for (const std::string &source : arguments.added) {
    OnnxArguments onnx = arguments.onnx;
    onnx.sources = {source};
    progress.step("reading the model");
    auto added = onnx.import(*context);
    progress.step("recognising the model");
    runStage(*added, {"aac", "", "aac-import-pipeline"});
    ir::SuiteOp addition = suiteOf(*added);
    std::string task = (*addition.getOps<ir::TaskOp>().begin()).getSymName().str();
    for (ir::TaskOp known : suite.getOps<ir::TaskOp>())
      if (known.getSymName() == task)
        fail(absl::StrCat(directory, " has a task '", task,
                          "' already; give the new one another name: --add OTHER=", source));
    names.push_back(task);
    if (failed(pinToStored(addition, suiteOf(*original), suite, arguments.allowFork)))
      failQuietly();
    OwningOpRef<ModuleOp> copy = cast<ModuleOp>((*added)->clone());
    linkOriginals(suiteOf(*copy), suiteOf(*original));

    progress.step("sharing, pruning, quantising");
    runStage(*added,
             {"compressed", "", absl::StrCat("aac-compress-pipeline{", options, " encode=false}")});
    if (failed(linkToStored(suiteOf(*added), suite)))
      failQuietly();
    progress.step("encoding, placing");
    runStage(*placed,
             {"placed", "",
              absl::StrCat("aac-check-accumulators{machine=", name, "},aac-encode{machine=", name,
                           encodeOptionsOf(options), "},any(aac-verify-sharing),",
                           "aac-place-pipeline{machine=", name, "}")});
  }
  compiled.suite = bytecodeOf(*original);
  keepPlaced(*placed, *machine, compiled);
  progress.step("lowering");
  runStage(*placed, {"cmd", "", absl::StrCat("aac-lower-pipeline{machine=", name, "}")});
  makeStream(*placed, *machine, codec, compiled);
  Growth growth = compare(*before, compiled.stream);
  std::string output = arguments.output.empty() ? directory : arguments.output;
  std::string headline = writeResults(compiled, *machine, output);
  std::cout << "added " << absl::StrJoin(names, ", ") << ": " << bytesByTier(growth.images)
            << ", programs of " << growth.programs << " bytes\n"
            << "unchanged: " << bytesByTier(growth.kept) << ", all programs of other tasks\n\n"
            << headline << std::flush;
}

} // namespace aac::tool
