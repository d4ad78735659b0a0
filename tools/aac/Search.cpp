//===- Search.cpp - calibration chosen by what it does to the logits ------===//
//
// Compiles the suite once for each candidate, simulates the user's samples and compares the
// results with f32. Formats of activations are a task's own, so tasks choose one by one.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"

#include "aac/Interp/Parameters.h"
#include "aac/Sim/Simulator.h"
#include "aac/Target/StreamTarget.h"
#include "aac/Transforms/ErrorLedger.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Threading.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include <algorithm>
#include <optional>

using namespace mlir;

namespace aac::tool {
namespace {

/// What is tried. Of equals the first is chosen.
constexpr const char *kCandidates[] = {"minmax", "minmax/head", "minmax/none", "mse", "mse/head"};
/// Tokens of a task's samples that are simulated at most, but one sentence.
constexpr int64_t kTokens = 512;

/// A task with samples of its own.
struct Subject {
  ir::TaskOp task;
  std::vector<std::vector<NpyArray>> sentences;
  std::vector<float> wanted;               ///< all outputs of all sentences in f32
  std::vector<std::optional<double>> sqnr; ///< dB, by candidate; none if it cannot be run
};

NpyArray toArray(const std::string &name, const interp::Tensor &tensor) {
  return tensor.kind == interp::Kind::Float ? NpyArray::fromFloats(name, tensor.shape, tensor.f)
                                            : NpyArray::fromInts(name, tensor.shape, tensor.i);
}

/// The tasks of `suite` that --calibrate names, with the first of their samples.
std::vector<Subject> subjectsOf(ir::SuiteOp suite, const std::string &samples) {
  auto sentences = samplesOf(suite, samples);
  if (failed(sentences))
    failQuietly();
  interp::Parameters parameters(suite);
  interp::Options options;
  options.parameters = &parameters;
  std::vector<Subject> subjects;
  for (auto [task, own] : llvm::zip_equal(suite.getOps<ir::TaskOp>(), *sentences)) {
    if (!hasSamples(samples, task.getSymName()))
      continue;
    Subject &subject = subjects.emplace_back();
    subject.task = task;
    int64_t tokens = 0;
    for (Sentence &sentence : own) {
      tokens += sentence.empty() ? 0 : sentence.front().size();
      if (tokens > kTokens && !subject.sentences.empty())
        break;
      std::vector<NpyArray> &arrays = subject.sentences.emplace_back();
      std::vector<std::string> names = namesOf(task, "input_names");
      for (auto [name, tensor] : llvm::zip_equal(names, sentence))
        arrays.push_back(toArray(name, tensor));
      auto results = interp::evaluate(task, std::move(sentence), options);
      if (!results.ok())
        fail(results.status());
      for (const interp::Tensor &result : *results)
        subject.wanted.insert(subject.wanted.end(), result.f.begin(), result.f.end());
    }
  }
  return subjects;
}

/// Signal over noise, in dB, of what `stream` makes of the samples of `subject`.
absl::StatusOr<double> simulate(const Stream &stream, const Machine &machine,
                                const Subject &subject) {
  auto simulator = sim::Simulator::create(stream, machine);
  if (!simulator.ok())
    return simulator.status();
  simulator->setThreads(1);
  int number = 0;
  while (stream.tasks[number].name != ir::TaskOp(subject.task).getSymName())
    ++number;
  for (const absl::Status &status : {simulator->runPowerOn(), simulator->switchTo(number)})
    if (!status.ok())
      return status;
  ErrorSum sum;
  llvm::ArrayRef<float> wanted = subject.wanted;
  for (const std::vector<NpyArray> &sentence : subject.sentences) {
    auto outputs = simulator->run(number, sentence);
    if (!outputs.ok())
      return outputs.status();
    for (const NpyArray &output : *outputs) {
      auto values = output.toFloats();
      if (!values.ok())
        return values.status();
      if (values->size() > wanted.size())
        return absl::InternalError("the stream has more results than the suite");
      sum.add(*values, wanted.take_front(values->size()));
      wanted = wanted.drop_front(values->size());
    }
  }
  return sum.sqnrDb();
}

/// Compiles a copy of `module` as `arguments` say and adds what it gives to `subjects`. What goes
/// wrong is not told: it says that this candidate is none.
void tryCandidate(ModuleOp module, const CompileArguments &arguments, const Machine &machine,
                  std::vector<Subject> &subjects) {
  for (Subject &subject : subjects)
    subject.sqnr.emplace_back();
  ScopedDiagnosticHandler quiet(module.getContext(), [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> copy(module.clone());
  for (const Stage &stage : stagesOf(arguments)) {
    if (std::string(stage.name) == "aac") // is there already
      continue;
    PassManager manager(copy->getContext());
    if (failed(parsePassPipeline(stage.pipeline, manager)) || failed(manager.run(*copy)))
      return;
  }
  auto op = findStream(*copy);
  auto stream = op.ok() ? translateToStream(*op) : absl::StatusOr<Stream>(op.status());
  if (!stream.ok())
    return;
  parallelForEach(module.getContext(), subjects, [&](Subject &subject) {
    if (auto sqnr = simulate(*stream, machine, subject); sqnr.ok())
      subject.sqnr.back() = *sqnr;
  });
}

} // namespace

std::string searchCalibration(ModuleOp module, CompileArguments arguments, const Machine &machine) {
  std::vector<Subject> subjects =
      subjectsOf(*module.getOps<ir::SuiteOp>().begin(), absl::StrJoin(arguments.calibrate, ","));
  arguments.emit.clear();
  for (const char *candidate : kCandidates) {
    arguments.calibration = candidate;
    tryCandidate(module, arguments, machine, subjects);
    // What is wrong with the first is wrong with the suite: compiling it tells.
    if (llvm::none_of(subjects, [](const Subject &s) { return s.sqnr[0].has_value(); }))
      return kCandidates[0];
  }
  std::vector<std::string> chosen;
  for (Subject &subject : subjects) {
    size_t best = std::max_element(subject.sqnr.begin(), subject.sqnr.end()) - subject.sqnr.begin();
    std::vector<std::string> tried;
    tried.reserve(std::size(kCandidates));
    for (size_t i = 0; i < std::size(kCandidates); ++i)
      tried.push_back(subject.sqnr[i]
                          ? absl::StrFormat("%s %.1f dB", kCandidates[i], *subject.sqnr[i])
                          : absl::StrCat(kCandidates[i], " cannot be run"));
    subject.task.emitRemark() << "calibration on " << subject.sentences.size()
                              << " samples: " << absl::StrJoin(tried, ", ") << "; "
                              << kCandidates[best] << " is taken";
    chosen.push_back(absl::StrCat(subject.task.getSymName().str(), "=", kCandidates[best]));
  }
  return absl::StrJoin(chosen, ",");
}

} // namespace aac::tool
