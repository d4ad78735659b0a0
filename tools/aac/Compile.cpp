//===- Compile.cpp - aac compile: ONNX in, stream and report out ----------===//
//
// Every stage is a textual pass pipeline, the same that aac-opt runs alone; --print-pipeline
// shows them. Files are written only when everything has succeeded.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"

#include "aac/Pipelines/ToolContext.h"

#include "aac/Cost/Report.h"
#include "aac/InitAll.h"
#include "aac/Machine/Machine.h"
#include "aac/Stream/Check.h"
#include "aac/Support/File.h"
#include "aac/Target/StreamTarget.h"
#include "aac/Transforms/EncodingReport.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "dialects/AAC/AACDialect.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>
#include <iostream>
#include <unistd.h>

using namespace mlir;

namespace aac::tool {

Progress::Progress(size_t steps) : steps(steps), shown(isatty(STDERR_FILENO) != 0) {}
Progress::~Progress() {
  if (shown)
    std::cerr << "\r\033[K" << std::flush;
}
void Progress::step(const std::string &what) {
  ++number;
  if (shown)
    std::cerr << "\r\033[K[" << number << "/" << steps << "] " << what << std::flush;
}

void runStage(ModuleOp module, const Stage &stage) {
  PassManager manager(module.getContext());
  if (failed(parsePassPipeline(stage.pipeline, manager)))
    fail(absl::StrCat("cannot parse the pipeline ", stage.pipeline));
  if (failed(manager.run(module)))
    failQuietly();
}

std::string bytecodeOf(ModuleOp module) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  if (failed(writeBytecodeToFile(module, os)))
    fail("cannot write the suite as bytecode");
  return bytes;
}

void write(const std::string &path, const std::string &bytes) {
  if (absl::Status status = writeFileAtomically(path, bytes); !status.ok())
    fail(status);
}

void keepPlaced(ModuleOp module, const Machine &machine, Compiled &compiled) {
  compiled.placed = bytecodeOf(module);
  for (ir::SuiteOp suite : module.getOps<ir::SuiteOp>()) {
    FailureOr<cost::Encoding> encoding = reportEncoding(suite, &machine);
    if (failed(encoding))
      failQuietly();
    compiled.encoding = std::move(*encoding);
  }
}

void makeStream(ModuleOp module, const Machine &machine, const std::string &codec,
                Compiled &compiled) {
  auto op = findStream(module);
  if (!op.ok())
    fail(op.status());
  auto stream = translateToStream(*op);
  if (!stream.ok())
    fail(stream.status());
  if (codec == "entropy")
    for (Image &image : stream->images)
      image.coded = true;
  auto bytes = serialize(*stream);
  if (!bytes.ok())
    fail(bytes.status());
  if (absl::Status status = checkStream(*stream, machine); !status.ok())
    fail(absl::StrCat("internal error: the compiled stream does not pass the checker:\n",
                      status.message()));
  compiled.stream = *std::move(stream);
  compiled.bytes = *std::move(bytes);
}

/// The report's headline: what an inference costs and how large the stream is.
static std::string headlineOf(const std::string &report) {
  std::vector<std::string> paragraphs = absl::StrSplit(report, "\n\n");
  return absl::StrCat(paragraphs[0], "\n\n", paragraphs[1], "\n\n", paragraphs.back());
}

std::string writeResults(const Compiled &compiled, const Machine &machine,
                         const std::string &directory) {
  auto report = cost::costStream(compiled.stream, machine);
  if (!report.ok())
    fail(report.status());
  report->encoding = compiled.encoding;
  std::string text = cost::printReportText(*report);
  if (std::error_code error = llvm::sys::fs::create_directories(directory))
    fail(absl::StrCat("cannot make the directory ", directory, ": ", error.message()));
  write(directory + "/suite.mlirbc", compiled.suite);
  write(directory + kPlacedFile, compiled.placed);
  write(directory + "/report.txt", text);
  write(directory + "/report.json", cost::printReportJson(*report));
  if (!compiled.measured.text.empty()) {
    write(directory + "/ledger.txt", compiled.measured.text);
    write(directory + "/ledger.json", compiled.measured.json);
  }
  write(directory + "/suite.aacs", compiled.bytes);
  return headlineOf(text);
}

std::vector<std::string> optionsOf(const CompileArguments &arguments) {
  std::vector<std::string> options = {absl::StrCat("format=", arguments.format),
                                      absl::StrCat("machine=", arguments.machine)};
  if (!arguments.sparsity.empty())
    options.push_back(absl::StrCat("sparsity=", arguments.sparsity));
  if (!arguments.prune.empty())
    options.push_back(absl::StrCat("prune=", absl::StrJoin(arguments.prune, ",")));
  if (arguments.merge != "equal")
    options.push_back(absl::StrCat("merge=", arguments.merge));
  if (arguments.calibration != "minmax" && arguments.calibration != kSearch)
    options.push_back(absl::StrCat("calibration=", arguments.calibration));
  if (arguments.resync != 64)
    options.push_back(absl::StrCat("tile-rows=", arguments.resync));
  if (!arguments.formats.empty())
    options.push_back(absl::StrCat("formats=", arguments.formats));
  return options;
}

std::vector<Stage> stagesOf(const CompileArguments &arguments) {
  std::vector<std::string> options = optionsOf(arguments);
  if (!arguments.calibrate.empty())
    options.push_back(absl::StrCat("calibrate=", absl::StrJoin(arguments.calibrate, ",")));
  // Other formats than an engine's have no bytes there: they are for analysis.
  if (arguments.emit == "compressed" &&
      (arguments.format != engineFormatName() || !arguments.formats.empty()))
    options.push_back("encode=false");
  std::string machine = absl::StrCat("{machine=", arguments.machine, "}");
  return {
      {"aac", "recognising the models", "aac-import-pipeline"},
      {"compressed", "sharing, pruning, quantising, encoding",
       absl::StrCat("aac-compress-pipeline{", absl::StrJoin(options, " "), "}")},
      {"placed", "placing", absl::StrCat("aac-place-pipeline", machine)},
      {"cmd", "lowering", absl::StrCat("aac-lower-pipeline", machine)},
  };
}

namespace {

/// Prints IR, or writes it where -o says so: text, or bytecode for a path in .mlirbc.
void emitModule(ModuleOp module, const std::string &path) {
  if (absl::EndsWith(path, ".mlirbc"))
    return write(path, bytecodeOf(module));
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().enableDebugInfo(false));
  os << "\n";
  write(path.empty() ? "-" : path, text);
}

/// Leaves in the suite what a task that is added later must be compiled with (Add.cpp).
void noteOptions(ir::SuiteOp suite, const CompileArguments &arguments) {
  Builder builder(suite.getContext());
  suite->setAttr("aac.options", builder.getStringAttr(absl::StrJoin(optionsOf(arguments), " ")));
  suite->setAttr("aac.machine", builder.getStringAttr(arguments.machine));
}

/// True if `search` has samples to search with and an engine to simulate.
bool searches(const CompileArguments &arguments) {
  std::string samples = absl::StrJoin(arguments.calibrate, ",");
  return arguments.calibration == kSearch && !samples.empty() && samples != "none" &&
         arguments.format == engineFormatName() && arguments.formats.empty() &&
         arguments.budget.empty();
}

/// Puts methods in the place of `search`; a remark where it cannot be.
void resolveCalibration(ModuleOp module, CompileArguments &arguments, const Machine &machine) {
  if (arguments.calibration != kSearch)
    return;
  if (searches(arguments)) {
    arguments.calibration = searchCalibration(module, arguments, machine);
    return;
  }
  arguments.calibration = "minmax";
  (*module.getOps<ir::SuiteOp>().begin()).emitRemark()
      << "calibration: minmax; a search takes samples of a task's own, the engine's format and no "
         "budget";
}

void runCompile(CompileArguments arguments) {
  if (!arguments.added.empty())
    return runAdd(arguments);
  std::vector<Stage> stages = stagesOf(arguments);
  if (arguments.printPipeline) {
    for (const Stage &stage : stages)
      std::cout << stage.pipeline << "\n";
    if (searches(arguments))
      std::cerr
          << "aac: note: the calibration is printed as minmax; compiling searches for it, and "
             "--save-config keeps what it finds\n";
    return;
  }
  if (arguments.emit.empty() && arguments.output.empty())
    throw CLI::RequiredError("-o (the directory for the results)");
  // Wrong machines are told before minutes of work, not after.
  auto machine = Machine::load(arguments.machine, defaultMachinePath());
  if (!machine.ok())
    fail(machine.status());

  registerAllPasses();
  auto context = makeToolContext("aac", arguments.explain);
  if (arguments.threads == 1)
    context->disableMultithreading();
  Progress progress(stages.size() + 4);
  progress.step("reading the models");
  auto module = arguments.onnx.import(*context);
  if (arguments.emit == "onnx")
    return emitModule(*module, arguments.output);

  Compiled compiled;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Stage stage = stages[i];
    progress.step(stage.progress);
    bool measures = arguments.ledger || !arguments.budget.empty();
    if (std::string(stage.name) == "compressed" && measures)
      compiled.measured = compressMeasured(module, arguments);
    else
      runStage(*module, stage);
    if (arguments.emit == stage.name) {
      writeConfig(arguments);
      std::cerr << compiled.measured.text;
      return emitModule(*module, arguments.output);
    }
    if (std::string(stage.name) == "aac") {
      progress.step("choosing the calibration");
      resolveCalibration(*module, arguments, *machine);
      stages = stagesOf(arguments);
    }
    if (!arguments.emit.empty())
      continue;
    // What was meant, before anything was rounded: for `aac eval` and to verify against.
    if (std::string(stage.name) == "aac") {
      compiled.suite = bytecodeOf(*module);
      for (ir::SuiteOp suite : module->getOps<ir::SuiteOp>())
        noteOptions(suite, arguments);
    }
    if (std::string(stage.name) == "placed")
      keepPlaced(*module, *machine, compiled);
  }

  progress.step("checking the stream");
  makeStream(*module, *machine, arguments.codec, compiled);
  if (arguments.emit == "stream")
    return write(arguments.output.empty() ? "-" : arguments.output, compiled.bytes);
  writeConfig(arguments);
  progress.step("costing");
  std::cout << writeResults(compiled, *machine, arguments.output) << std::flush;
}

} // namespace

void addCompileCommand(CLI::App &app) {
  auto arguments = std::make_shared<CompileArguments>();
  CLI::App *command =
      app.add_subcommand("compile", "Compile ONNX models, one a task, into one command stream");
  arguments->onnx.add(*command);
  command
      ->add_option("--machine", arguments->machine,
                   "machine to compile for: a name (aac machines list) or a file "
                   "[edgebert-rram]")
      ->type_name("NAME");
  command
      ->add_option("-o,--output", arguments->output,
                   "directory for suite.aacs, suite.mlirbc, suite.placed.mlirbc, report.txt and "
                   "report.json (with --add: instead of the directory given); with "
                   "--emit the file to write (default: standard output)")
      ->type_name("PATH");
  command
      ->add_option("--sparsity", arguments->sparsity,
                   "what to prune, by role: embedding:0.6 a fraction of the elements, "
                   "ffn:vector:0.5 of the engine's vectors, encoder:2:4 all but 2 of each 4 [none]")
      ->type_name("ROLE:AMOUNT,...");
  command
      ->add_option("--prune", arguments->prune,
                   "how: global (one threshold for all tensors of a rule), scores=FILE.npz (by "
                   "movement scores) and masks=FILE.npz, arrays named after parameters "
                   "[by magnitude, each tensor]")
      ->type_name("METHOD")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--codec", arguments->codec,
                   "form of the images in suite.aacs: none (as the device has them), or entropy: "
                   "coded near their entropy, for flash; the host decodes them when it loads them "
                   "[none]")
      ->check(CLI::IsMember({"none", "entropy"}));
  command
      ->add_option("--resync", arguments->resync,
                   "output features after which a weight's masks and data start anew, which bounds "
                   "what an error in a mask can damage: 16, 32, 48 or 64 [64]")
      ->type_name("ROWS");
  command
      ->add_option("--merge", arguments->merge,
                   "what tasks share: equal bytes, or quantised: equal codes, too [equal]")
      ->check(CLI::IsMember({"equal", "quantised"}));
  command
      ->add_option("--calibrate", arguments->calibrate,
                   "samples that activations are measured on, TASK=FILE.npz,...; or none: bounds "
                   "from the weights [pseudo-random sentences]")
      ->type_name("TASK=FILE")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option(
          "--calibration", arguments->calibration,
          "which magnitude a number format must hold: minmax, percentile, percentile:P, mse "
          "(the least squared error), TASK=METHOD,..., or search: what is nearest to f32 "
          "on the samples, simulated; minmax without samples [search]")
      ->type_name("METHOD");
  command
      ->add_option("--format", arguments->format,
                   "number format: af8e3; for analysis (--emit=compressed) af4e1 to af16e8, int8, "
                   "int8:asymmetric, int8:channel, int8:channel:asymmetric [af8e3]")
      ->type_name("FORMAT");
  command
      ->add_option("--formats", arguments->formats,
                   "other formats for some tensors: PATTERN names parameters, or results by their "
                   "ONNX node (for analysis, --emit=compressed: an engine has one format)")
      ->type_name("PATTERN=FORMAT,...");
  command->add_flag("--ledger", arguments->ledger,
                    "measure what quantising costs, tensor by tensor, on the samples: ledger.txt "
                    "and ledger.json (with --emit: standard error)");
  command
      ->add_option("--budget", arguments->budget,
                   "accuracy that every task must keep on the samples, against f32: top1:0.99 or "
                   "sqnr:20 (dB); --emit=compressed widens formats until it does")
      ->type_name("WHAT:LEAST");
  command
      ->add_option("--config", arguments->config,
                   "options from a JSON file, as --save-config writes it; those given here win")
      ->type_name("FILE");
  command->add_option("--save-config", arguments->saveConfig, "write the options to a JSON file")
      ->type_name("FILE");
  command
      ->add_option("--emit", arguments->emit,
                   "stop after a stage and print its result: onnx, aac, compressed, placed, cmd "
                   "or stream")
      ->check(CLI::IsMember({"onnx", "aac", "compressed", "placed", "cmd", "stream"}));
  command
      ->add_option(
          "--add", arguments->added,
          "add a task to the suite that an earlier compilation left in the directory "
          "given: what is stored stays as it is, byte for byte, and the suite's options hold")
      ->type_name("[TASK=]PATH")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command->add_flag("--allow-fork", arguments->allowFork,
                    "with --add: store a backbone that differs beside the one that is there");
  command->add_option("--threads", arguments->threads, "1: use a single thread [all]")
      ->type_name("N");
  command->add_flag("--explain", arguments->explain, "print remarks: what was decided, and why");
  command->add_flag("--print-pipeline", arguments->printPipeline,
                    "print the pass pipelines, for aac-opt, and stop");
  command->footer("Example:\n"
                  "  aac compile sst2=sst2.onnx mnli=mnli.onnx --machine=edgebert-rram \\\n"
                  "      --sparsity=embedding:0.6,encoder:0.5 -o out\n"
                  "  aac compile --add qqp=qqp.onnx out\n"
                  "  aac-sim run out/suite.aacs --task=sst2 --input=sentence.npz -o logits.npz");
  command->callback([arguments, command] {
    readConfig(*command, *arguments);
    runCompile(*arguments);
  });
}

} // namespace aac::tool
