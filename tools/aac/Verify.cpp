//===- Verify.cpp - aac verify: a stream against its f32 reference ---------===//
//
// The stream says where each activation lies and after which instruction it is complete.
// The reference takes the same steps of the compiler that do not change a result (layers
// become loops, adapters become linears), so that its values have the same places: ONNX
// node, operation and repetition.
//
//===----------------------------------------------------------------------===//
#include "Common.h"

#include "aac/InitAll.h"
#include "aac/Machine/Machine.h"
#include "aac/Pipelines/ToolContext.h"
#include "aac/Sim/Simulator.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "dialects/AAC/AACDialect.h"
#include "dialects/Cmd/CmdDialect.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

using namespace mlir;

namespace aac::tool {
namespace {

struct VerifyArguments {
  std::string stream, task, input, reference;
  std::optional<int> caseIndex;
  std::optional<double> minSqnr, minTop1;
  bool json = false;
  int threads = 0;
  OnnxArguments onnx;
};

/// Below this a value has nothing to do with its reference any more.
constexpr double kDivergedDb = 10;

template <typename T> T check(absl::StatusOr<T> value) {
  if (!value.ok())
    fail(value.status());
  return *std::move(value);
}

/// How far values are from their reference, over all cases.
struct Difference {
  double signal = 0, noise = 0, maxError = 0;

  void add(absl::Span<const float> values, absl::Span<const float> reference) {
    for (size_t i = 0; i < values.size(); ++i) {
      double error = static_cast<double>(values[i]) - reference[i];
      signal += static_cast<double>(reference[i]) * reference[i];
      noise += error * error;
      maxError = std::max(maxError, std::fabs(error));
    }
  }
  /// Infinite where nothing differs, or where there is no signal to compare noise with.
  double sqnr() const {
    return noise == 0 || signal == 0 ? std::numeric_limits<double>::infinity()
                                     : 10 * std::log10(signal / noise);
  }
  std::string sqnrText() const {
    return noise == 0 ? "exact" : signal == 0 ? "no signal" : absl::StrFormat("%.1f", sqnr());
  }
  nlohmann::ordered_json sqnrJson() const {
    return std::isfinite(sqnr()) ? nlohmann::ordered_json(sqnr()) : nlohmann::ordered_json();
  }
};

/// What a value is called on both sides: the nodes and the operation it comes from, which
/// one of several with both alike, and the repetition of the loop around it.
using Key = std::tuple<std::string, std::string, int, int64_t>;

//===----------------------------------------------------------------------===//
// The reference
//===----------------------------------------------------------------------===//

class Reference {
public:
  Reference(MLIRContext &context, const VerifyArguments &arguments)
      : module(loadModule(context, arguments.reference, arguments.onnx)) {
    if (!module->getOps<onnx::GraphOp>().empty())
      runPipeline("aac-import-pipeline");
    runPipeline("aac.suite(aac-share,aac-roll,aac-expand-adapters,aac-fold-scales)");
    graph = tool::findTask(*module, arguments.task);
    std::map<std::pair<std::string, std::string>, int> seen;
    graph->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getNumResults() == 0)
        return;
      std::string node = cmd::originOf(op->getLoc()).node,
                  name = op->getName().stripDialect().str();
      places[op->getResult(0)] = {node, name, seen[{node, name}]++};
    });
  }

  std::string taskName() const {
    return graph->getAttrOfType<StringAttr>("sym_name").getValue().str();
  }
  std::vector<std::string> outputNames() const { return namesOf(graph, "output_names"); }

  /// Runs one case; `values` then holds every value by its key.
  std::vector<interp::Tensor> run(absl::Span<const NpyArray> arrays,
                                  std::map<Key, std::vector<float>> &values) {
    std::vector<interp::Tensor> inputs;
    Block &body = graph->getRegion(0).front();
    for (const std::string &name : namesOf(graph, "input_names")) {
      auto found = llvm::find_if(arrays, [&](const NpyArray &a) { return a.name == name; });
      if (found == arrays.end())
        fail(absl::StrCat("no array \"", name, "\" for the input of that name; there are: ",
                          absl::StrJoin(arrays, ", ", [](std::string *out, const NpyArray &a) {
                            absl::StrAppend(out, a.name);
                          })));
      inputs.push_back(toTensor(
          *found, cast<ShapedType>(body.getArgument(inputs.size()).getType()).getElementType(),
          name));
    }
    values.clear();
    llvm::DenseMap<Value, int64_t> repetitions;
    auto observe = [&](Value value, const interp::Tensor &tensor) {
      auto place = places.find(value);
      if (place == places.end() || tensor.kind != interp::Kind::Float)
        return;
      const auto &[node, name, number] = place->second;
      values[{node, name, number, repetitions[value]++}] = tensor.f;
    };
    interp::Options options;
    options.observe = observe;
    return check(interp::evaluate(graph, std::move(inputs), options));
  }

private:
  void runPipeline(const std::string &text) {
    PassManager manager(module->getContext());
    if (failed(parsePassPipeline(text, manager)))
      fail(absl::StrCat("cannot parse the pipeline ", text));
    if (failed(manager.run(*module)))
      failQuietly();
  }

  OwningOpRef<ModuleOp> module;
  Operation *graph = nullptr;
  llvm::DenseMap<Value, std::tuple<std::string, std::string, int>> places;
};

//===----------------------------------------------------------------------===//
// The stream
//===----------------------------------------------------------------------===//

/// A value of the stream in one repetition.
struct Compared {
  size_t value = 0; ///< index in the program
  int64_t repetition = 0;
  bool inLoop = false;
  Difference difference;
};

struct Verification {
  std::vector<Compared> values; ///< in the order in which they are complete
  std::vector<std::string> outputNames;
  std::vector<Difference> outputs;
  std::set<std::string> unmatched; ///< of the stream, not in the reference
  size_t cases = 0;
  int64_t rows = 0, agreeing = 0; ///< of outputs with several columns
};

/// The cases of --input: arrays named as the inputs.
std::vector<std::vector<NpyArray>> casesOf(const VerifyArguments &arguments) {
  std::map<int, std::vector<NpyArray>> cases;
  std::vector<NpyArray> plain;
  for (NpyArray &array : check(readNpz(arguments.input))) {
    int number = -1;
    std::vector<std::string> parts = absl::StrSplit(array.name, absl::MaxSplits('.', 2));
    if (parts.size() == 3 && parts[0] == "in" && absl::SimpleAtoi(parts[1], &number)) {
      array.name = parts[2];
      cases[number].push_back(std::move(array));
    } else {
      plain.push_back(std::move(array));
    }
  }
  if (arguments.caseIndex) {
    auto found = cases.find(*arguments.caseIndex);
    if (found == cases.end())
      fail(absl::StrCat(arguments.input, " holds no array in.", *arguments.caseIndex,
                        ".<name> for --case=", *arguments.caseIndex));
    return {found->second};
  }
  if (cases.empty())
    return {plain};
  std::vector<std::vector<NpyArray>> list;
  list.reserve(cases.size());
  for (auto &[number, arrays] : cases)
    list.push_back(std::move(arrays));
  return list;
}

int taskNumber(const Stream &stream, const std::string &name) {
  for (size_t i = 0; i < stream.tasks.size(); ++i)
    if (stream.tasks[i].name == name)
      return static_cast<int>(i);
  fail(absl::StrCat("the stream has no task \"", name, "\"; it has ",
                    absl::StrJoin(stream.tasks, ", ", [](std::string *out, const Task &task) {
                      absl::StrAppend(out, task.name);
                    })));
}

size_t argmax(absl::Span<const float> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

Verification verify(const VerifyArguments &arguments, const Stream &stream, Reference &reference) {
  Machine machine = check(Machine::parse(stream.machine, arguments.stream));
  int task = taskNumber(stream, reference.taskName());
  const Program &program = stream.programs[stream.tasks[task].runProgram];
  if (program.values.empty())
    fail(absl::StrCat(arguments.stream, " does not say where its activations lie; it was written "
                                        "by another version of aac, compile it again"));
  auto locationOf = [&](const StoredValue &value) {
    int32_t location = program.location.empty() ? -1 : program.location[value.after];
    return location < 0 ? Location() : stream.locations[location];
  };

  // By the instruction that completes them, with the key of their first repetition.
  std::map<size_t, std::pair<size_t, Key>> complete;
  for (size_t i = 0; i < program.values.size(); ++i) {
    Location location = locationOf(program.values[i]);
    complete[program.values[i].after] = {
        i, {location.node, location.op, static_cast<int>(program.values[i].which), 0}};
  }
  std::vector<bool> inLoop(program.code.size());
  bool inside = false;
  for (size_t i = 0; i < program.code.size(); ++i) {
    inside = (inside || program.code[i].opcode == isa::Opcode::Loop) &&
             program.code[i].opcode != isa::Opcode::End;
    inLoop[i] = inside;
  }

  Verification result;
  std::map<std::pair<size_t, int64_t>, size_t> rowOf; // in result.values
  std::map<Key, std::vector<float>> expected;
  absl::Status status = absl::OkStatus();
  sim::Simulator simulator = check(sim::Simulator::create(stream, machine));
  simulator.setThreads(arguments.threads);
  for (const absl::Status &each : {simulator.runPowerOn(), simulator.switchTo(task)})
    if (!each.ok())
      fail(each);
  simulator.setObserver([&](const sim::Step &step) {
    auto found = complete.find(step.index);
    if (found == complete.end() || &step.program != &program)
      return;
    auto [index, key] = found->second;
    std::get<3>(key) = step.iteration;
    auto wanted = expected.find(key);
    const StoredValue &value = program.values[index];
    if (wanted == expected.end() ||
        static_cast<int64_t>(wanted->second.size()) != value.tokens * value.features) {
      Location location = locationOf(value);
      result.unmatched.insert(absl::StrCat(location.op, " '", location.firstNode(), "'"));
      return;
    }
    auto values = simulator.readValue(value);
    if (!values.ok()) {
      status = values.status();
      return;
    }
    auto [row, isNew] = rowOf.try_emplace({index, step.iteration}, result.values.size());
    if (isNew)
      result.values.push_back({index, step.iteration, inLoop[step.index], {}});
    result.values[row->second].difference.add(*values, wanted->second);
  });

  result.outputNames = reference.outputNames();
  result.outputs.resize(result.outputNames.size());
  for (const std::vector<NpyArray> &arrays : casesOf(arguments)) {
    std::vector<interp::Tensor> wanted = reference.run(arrays, expected);
    std::vector<NpyArray> outputs = check(simulator.run(task, arrays));
    if (!status.ok())
      fail(status);
    if (outputs.size() != wanted.size())
      fail(absl::StrCat("the stream's task has ", outputs.size(), " outputs, the reference's ",
                        wanted.size()));
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::vector<float> values = check(outputs[i].toFloats());
      const std::vector<float> &truth = wanted[i].f;
      if (values.size() != truth.size())
        fail(absl::StrCat("output \"", outputs[i].name, "\" has ", values.size(),
                          " elements, the reference's has ", truth.size()));
      result.outputs[i].add(values, truth);
      size_t columns = wanted[i].shape.empty() ? 1 : wanted[i].shape.back();
      for (size_t at = 0; columns > 1 && at < values.size(); at += columns, ++result.rows)
        result.agreeing += argmax(absl::MakeSpan(values).subspan(at, columns)) ==
                           argmax(absl::MakeSpan(truth).subspan(at, columns));
    }
    ++result.cases;
  }
  if (result.values.empty())
    fail(absl::StrCat("none of the stream's ", program.values.size(), " activations is in ",
                      arguments.reference,
                      "; is it the suite that the stream was made from, with "
                      "its locations?"));
  return result;
}

//===----------------------------------------------------------------------===//
// What is printed
//===----------------------------------------------------------------------===//

const Compared *firstDivergence(const Verification &result, double threshold) {
  for (const Compared &row : result.values)
    if (row.difference.sqnr() < threshold)
      return &row;
  return nullptr;
}

class Printer {
public:
  Printer(const Stream &stream, const Program &program) : stream(stream), program(program) {}

  Location locationOf(const Compared &row) const {
    int32_t location = program.location[program.values[row.value].after];
    return location < 0 ? Location() : stream.locations[location];
  }
  std::string layerOf(const Compared &row) const {
    Location location = locationOf(row);
    return row.inLoop ? absl::StrCat(location.layer, " ", row.repetition) : location.layer;
  }

  void text(const Verification &result, double threshold) const {
    std::cout << absl::StrFormat("%-14s %-12s %9s %12s  %s\n", "layer", "op", "SQNR dB",
                                 "max error", "node");
    for (const Compared &row : result.values) {
      Location location = locationOf(row);
      std::cout << absl::StrFormat("%-14s %-12s %9s %12.4g  %s\n", layerOf(row), location.op,
                                   row.difference.sqnrText(), row.difference.maxError,
                                   location.firstNode());
    }
    for (size_t i = 0; i < result.outputs.size(); ++i)
      std::cout << absl::StrFormat("%-14s %-12s %9s %12.4g  %s\n", "output", "",
                                   result.outputs[i].sqnrText(), result.outputs[i].maxError,
                                   result.outputNames[i]);
    if (const Compared *row = firstDivergence(result, threshold))
      std::cout << absl::StrFormat("first divergence (below %g dB): %s %s '%s', %s dB\n", threshold,
                                   layerOf(*row), locationOf(*row).op, locationOf(*row).firstNode(),
                                   row->difference.sqnrText());
    else
      std::cout << absl::StrFormat("no value is below %g dB\n", threshold);
    for (const std::string &value : result.unmatched)
      std::cout << "not in the reference: " << value << "\n";
    if (result.rows > 0)
      std::cout << absl::StrFormat("top-1 agreement: %d of %d\n", result.agreeing, result.rows);
    std::cout << absl::StrFormat("%d case%s\n", result.cases, result.cases == 1 ? "" : "s");
  }

  void json(const Verification &result, const std::string &task, double threshold) const {
    using nlohmann::ordered_json;
    auto describe = [&](const Compared &row) {
      Location location = locationOf(row);
      const StoredValue &value = program.values[row.value];
      return ordered_json{
          {"layer", location.layer},
          {"repetition", row.inLoop ? ordered_json(row.repetition) : ordered_json()},
          {"op", location.op},
          {"node", location.node},
          {"tokens", value.tokens},
          {"features", value.features},
          {"sqnr_db", row.difference.sqnrJson()},
          {"max_error", row.difference.maxError}};
    };
    ordered_json values = ordered_json::array(), outputs = ordered_json::array();
    for (const Compared &row : result.values)
      values.push_back(describe(row));
    for (size_t i = 0; i < result.outputs.size(); ++i)
      outputs.push_back({{"name", result.outputNames[i]},
                         {"sqnr_db", result.outputs[i].sqnrJson()},
                         {"max_error", result.outputs[i].maxError}});
    const Compared *first = firstDivergence(result, threshold);
    ordered_json report = {{"schema", "aac-verify/1"},
                           {"task", task},
                           {"cases", result.cases},
                           {"threshold_db", threshold},
                           {"values", std::move(values)},
                           {"unmatched", result.unmatched},
                           {"first_divergence", first ? describe(*first) : ordered_json()},
                           {"outputs", std::move(outputs)},
                           {"top1", {{"agreeing", result.agreeing}, {"of", result.rows}}}};
    std::cout << report.dump(2) << "\n";
  }

private:
  const Stream &stream;
  const Program &program;
};

void runVerify(const VerifyArguments &arguments) {
  std::string bytes = check(readFile(arguments.stream));
  absl::StatusOr<Stream> stream = deserialize(bytes);
  if (!stream.ok())
    fail(absl::StrCat(arguments.stream, ": ", stream.status().message()));
  registerAllPasses();
  auto context = makeToolContext("aac");
  Reference reference(*context, arguments);
  Verification result = verify(arguments, *stream, reference);

  double threshold = arguments.minSqnr.value_or(kDivergedDb);
  int task = taskNumber(*stream, reference.taskName());
  Printer printer(*stream, stream->programs[stream->tasks[task].runProgram]);
  if (arguments.json)
    printer.json(result, reference.taskName(), threshold);
  else
    printer.text(result, threshold);
  std::cout << std::flush;

  if (arguments.minSqnr) {
    if (firstDivergence(result, threshold))
      fail(absl::StrFormat("a value is below --min-sqnr=%g dB", threshold));
    for (size_t i = 0; i < result.outputs.size(); ++i)
      if (result.outputs[i].sqnr() < threshold)
        fail(absl::StrFormat("output \"%s\" is below --min-sqnr=%g dB", result.outputNames[i],
                             threshold));
  }
  if (arguments.minTop1 &&
      static_cast<double>(result.agreeing) < *arguments.minTop1 * static_cast<double>(result.rows))
    fail(absl::StrFormat("%d of %d top-1 results agree, below --min-top1=%g", result.agreeing,
                         result.rows, *arguments.minTop1));
}

} // namespace

void addVerifyCommand(CLI::App &app) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App *command = app.add_subcommand(
      "verify", "Compare a stream, simulated to the bit, with the f32 reference, value by value");
  command->add_option("stream", arguments->stream, "compiled stream (.aacs)")
      ->required()
      ->type_name("STREAM");
  command
      ->add_option("--reference", arguments->reference,
                   "what the stream was made from: suite.mlirbc of aac compile, onnx or aac IR "
                   "with locations, or an .onnx file")
      ->required()
      ->type_name("SUITE");
  command->add_option("--task", arguments->task, "the task to run (needed where there are several)")
      ->type_name("NAME");
  command
      ->add_option("--input", arguments->input,
                   "arrays named as the task's inputs, or in.<i>.<name> for several cases, all of "
                   "which are run (.npz)")
      ->required()
      ->type_name("FILE");
  command->add_option("--case", arguments->caseIndex, "run the arrays in.<I>.<name> alone")
      ->type_name("I");
  command
      ->add_option("--min-sqnr", arguments->minSqnr,
                   absl::StrFormat("exit with 1 where a value or an output has less; also what "
                                   "the first divergence is below [%g, without exit]",
                                   kDivergedDb))
      ->type_name("DB");
  command
      ->add_option("--min-top1", arguments->minTop1,
                   "exit with 1 where a smaller part of the rows of outputs has the same maximum")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("FRACTION");
  command->add_flag("--json", arguments->json, "print JSON instead of a table");
  command->add_option("--threads", arguments->threads, "threads to simulate with [one a processor]")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  arguments->onnx.addBindings(*command);
  command->footer("Example:\n"
                  "  aac verify out/suite.aacs --task=sst2 --input=sentences.npz "
                  "--reference=out/suite.mlirbc");
  command->callback([arguments] { runVerify(*arguments); });
}

} // namespace aac::tool
