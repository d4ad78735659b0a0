//===- ErrorLedger.cpp - what quantisation costs, tensor by tensor --------===//
//
// Both suites are walked side by side: quantising changes attributes and parameters, not the
// operations. A task is evaluated once in each, sentence by sentence; the reference's values
// are kept for one sentence. Cost: two f32 inferences a sentence.
//
//===----------------------------------------------------------------------===//
#include "aac/Transforms/ErrorLedger.h"

#include "aac/Interp/Formats.h"
#include "aac/Interp/Parameters.h"
#include "aac/Transforms/FormatName.h"
#include "aac/Transforms/ParamValues.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

using namespace mlir;
using namespace aac;
using namespace aac::ir;
using interp::Tensor;

void ErrorSum::add(ArrayRef<float> values, ArrayRef<float> reference) {
  for (auto [v, r] : llvm::zip_equal(values, reference)) {
    double value = v, wanted = r, error = value - wanted;
    signal += wanted * wanted;
    squares += value * value;
    product += value * wanted;
    noise += error * error;
    largest = std::max(largest, std::fabs(error));
  }
}

double ErrorSum::sqnrDb() const {
  if (noise == 0)
    return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

double ErrorSum::cosine() const {
  return signal == 0 || squares == 0 ? (signal == squares ? 1.0 : 0.0)
                                     : product / std::sqrt(signal * squares);
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

namespace {

std::vector<float> rounded(ArrayRef<float> values, ArrayRef<int64_t> shape, Attribute format) {
  std::vector<float> result(values.begin(), values.end());
  interp::roundTo(format, shape, result);
  return result;
}

/// A row for each parameter with a format.
LogicalResult measureParams(SuiteOp reference, SuiteOp quantised, ErrorLedger &ledger) {
  SymbolTable symbols(reference);
  for (ParamOp param : quantised.getOps<ParamOp>()) {
    Attribute format = param.getFormatAttr();
    if (!format)
      continue;
    auto original = symbols.lookup<ParamOp>(param.getSymName());
    if (!original)
      return param.emitError() << "@" << param.getSymName() << " is not in the reference suite";
    FailureOr<Elements<float>> values = readFloats(original);
    if (failed(values))
      return failure();
    ErrorLedger::Entry entry;
    entry.name = param.getSymName().str();
    entry.kind = "parameter";
    entry.format = formatName(format);
    entry.elements = param.getTensorType().getNumElements();
    if (std::optional<ArrayAttr> tasks = param.getTasks())
      for (Attribute task : *tasks)
        entry.tasks.push_back(cast<StringAttr>(task).str());
    // Codes are what rounding makes of the values: the quantiser's rule is the one rule.
    ArrayRef<int64_t> shape = param.getTensorType().getShape();
    entry.rounding.add(rounded(values->get(), shape, format), values->get());
    entry.scaleBytes = scaleBytes(format);
    entry.bytes = denseBytes(format, entry.elements);
    entry.total = entry.rounding;
    ledger.bytes += entry.bytes;
    ledger.scaleBytes += entry.scaleBytes;
    ledger.entries.push_back(std::move(entry));
  }
  return success();
}

/// Operations that make activations, in the order of a walk.
SmallVector<Operation *> activationsOf(TaskOp task) {
  SmallVector<Operation *> ops;
  task.walk([&](Operation *op) {
    if (makesActivation(op))
      ops.push_back(op);
  });
  return ops;
}

size_t largestOf(ArrayRef<float> row) {
  return static_cast<size_t>(llvm::max_element(row) - row.begin());
}

LogicalResult measureTask(TaskOp reference, TaskOp quantised, std::vector<Sentence> sentences,
                          interp::Parameters &referenceParameters,
                          interp::Parameters &quantisedParameters, ErrorLedger &ledger) {
  SmallVector<Operation *> wanted = activationsOf(reference), found = activationsOf(quantised);
  auto alike = [](Operation *a, Operation *b) { return a->getName() == b->getName(); };
  if (!std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(), alike))
    return quantised.emitError() << "task @" << quantised.getSymName()
                                 << " has other operations than the reference suite";
  llvm::DenseMap<Value, size_t> indexOfWanted, indexOfFound;
  std::vector<ErrorLedger::Entry> entries(found.size());
  std::vector<Attribute> formats(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    indexOfWanted[wanted[i]->getResult(0)] = indexOfFound[found[i]->getResult(0)] = i;
    formats[i] = found[i]->getAttr("format");
    entries[i].name = nameForFormat(found[i]);
    entries[i].kind = found[i]->getName().stripDialect().str();
    entries[i].format = formats[i] ? formatName(formats[i]) : "";
    entries[i].tasks.push_back(quantised.getSymName().str());
  }
  ErrorLedger::Task summary;
  summary.name = quantised.getSymName().str();
  summary.sentences = static_cast<int64_t>(sentences.size());
  for (Sentence &sentence : sentences) {
    std::vector<std::vector<std::vector<float>>> seen(wanted.size()); // by repetition
    interp::Options options;
    auto keep = [&](Value value, const Tensor &tensor) {
      if (auto it = indexOfWanted.find(value); it != indexOfWanted.end())
        seen[it->second].push_back(tensor.f);
    };
    options.observe = keep;
    options.parameters = &referenceParameters;
    auto expected = interp::evaluate(reference, sentence, options);
    std::vector<size_t> repetition(found.size());
    auto compare = [&](Value value, const Tensor &tensor) {
      auto it = indexOfFound.find(value);
      if (it == indexOfFound.end())
        return;
      size_t i = it->second;
      const std::vector<float> &truth = seen[i][repetition[i]++];
      if (&sentence == &sentences.front())
        entries[i].elements += static_cast<int64_t>(truth.size());
      entries[i].total.add(tensor.f, truth);
      if (formats[i])
        entries[i].rounding.add(rounded(truth, tensor.shape, formats[i]), truth);
    };
    options.observe = compare;
    options.parameters = &quantisedParameters;
    options.roundActivations = true;
    auto outputs = expected.ok() ? interp::evaluate(quantised, std::move(sentence), options)
                                 : absl::StatusOr<std::vector<Tensor>>(expected.status());
    if (!outputs.ok())
      return quantised.emitError()
             << "measuring task @" << quantised.getSymName() << ": "
             << StringRef(outputs.status().message().data(), outputs.status().message().size());
    for (auto [output, truth] : llvm::zip_equal(*outputs, *expected)) {
      summary.outputs.add(output.f, truth.f);
      size_t columns = truth.shape.empty() ? 1 : static_cast<size_t>(truth.shape.back());
      for (size_t at = 0; columns > 1 && at < truth.f.size(); at += columns, ++summary.rows)
        summary.agreeing += largestOf(ArrayRef<float>(output.f).slice(at, columns)) ==
                            largestOf(ArrayRef<float>(truth.f).slice(at, columns));
    }
  }
  llvm::move(entries, std::back_inserter(ledger.entries));
  ledger.tasks.push_back(std::move(summary));
  return success();
}

} // namespace

FailureOr<ErrorLedger> aac::measureErrors(SuiteOp reference, SuiteOp quantised, StringRef samples) {
  ErrorLedger ledger;
  FailureOr<std::vector<std::vector<Sentence>>> sentences =
      samplesOf(quantised, samples == "none" ? "" : samples);
  if (failed(sentences) || failed(measureParams(reference, quantised, ledger)))
    return failure();
  SymbolTable symbols(reference);
  interp::Parameters referenceParameters(reference), quantisedParameters(quantised);
  for (auto [task, own] : llvm::zip_equal(quantised.getOps<TaskOp>(), *sentences)) {
    auto original = symbols.lookup<TaskOp>(task.getSymName());
    if (!original)
      return task.emitError() << "task @" << task.getSymName() << " is not in the reference suite";
    if (failed(measureTask(original, task, std::move(own), referenceParameters, quantisedParameters,
                           ledger)))
      return failure();
  }
  llvm::erase_if(ledger.entries,
                 [](const ErrorLedger::Entry &e) { return std::isinf(e.total.sqnrDb()); });
  // Their names break ties, so that the order is the same everywhere.
  llvm::sort(ledger.entries, [](const auto &a, const auto &b) {
    return std::make_tuple(a.rounding.sqnrDb(), std::tie(a.name, a.kind, a.tasks)) <
           std::make_tuple(b.rounding.sqnrDb(), std::tie(b.name, b.kind, b.tasks));
  });
  return ledger;
}

//===----------------------------------------------------------------------===//
// Budgets
//===----------------------------------------------------------------------===//

llvm::Expected<AccuracyBudget> AccuracyBudget::parse(StringRef text) {
  auto [what, number] = text.split(':');
  AccuracyBudget budget;
  budget.isTop1 = what == "top1";
  if ((!budget.isTop1 && what != "sqnr") || number.getAsDouble(budget.least) ||
      (budget.isTop1 && (budget.least < 0 || budget.least > 1)))
    return llvm::createStringError("budget '%s' must be top1:FRACTION (0 to 1) or sqnr:DECIBELS",
                                   text.str().c_str());
  return budget;
}

double AccuracyBudget::valueOf(const ErrorLedger::Task &task) const {
  return isTop1 ? task.top1() : task.outputs.sqnrDb();
}

bool AccuracyBudget::isMet(const ErrorLedger &ledger) const {
  return llvm::all_of(ledger.tasks, [&](const ErrorLedger::Task &t) { return isMet(t); });
}

std::string AccuracyBudget::describeMiss(const ErrorLedger &ledger) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const ErrorLedger::Task &task : ledger.tasks)
    if (!isMet(task)) {
      os << (isTop1 ? "top1" : "sqnr") << " of task '" << task.name << "' is "
         << llvm::format(isTop1 ? "%.4g" : "%.1f dB", valueOf(task)) << ", below "
         << llvm::format("%g", least) << " (" << task.sentences << " sentences)";
      break;
    }
  return text;
}

std::vector<std::string> aac::raiseWeakest(const ErrorLedger &ledger) {
  std::vector<std::pair<std::string, AdaptivFloatFormat>> narrow;
  narrow.reserve(ledger.entries.size());
  for (const ErrorLedger::Entry &entry : ledger.entries) {
    std::optional<FormatSpec> spec = parseFormatSpec(entry.format);
    bool nameable = !entry.name.empty() && entry.name.find_first_of(",= *?[]{}") == StringRef::npos;
    if (spec && spec->adaptivFloat.bits < 16 && nameable && !std::isinf(entry.rounding.sqnrDb()))
      narrow.push_back({entry.name, spec->adaptivFloat});
  }
  std::vector<std::string> choices;
  for (size_t i = 0; i < (narrow.size() + 3) / 4; ++i)
    choices.push_back(narrow[i].first + "=af" +
                      std::to_string(std::min(16, narrow[i].second.bits + 2)) + "e" +
                      std::to_string(narrow[i].second.exponentBits));
  return choices;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string decibels(const ErrorSum &sum) {
  if (std::isinf(sum.sqnrDb()))
    return sum.sqnrDb() > 0 ? "exact" : "none";
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.1f", sum.sqnrDb());
  return text;
}

void ErrorLedger::printText(llvm::raw_ostream &os) const {
  os << "Outputs against f32\n";
  os << "  task          sentences   SQNR dB  top-1\n";
  for (const Task &task : tasks) {
    os << "  " << llvm::left_justify(task.name, 12) << "  "
       << llvm::right_justify(std::to_string(task.sentences), 9) << "  "
       << llvm::right_justify(decibels(task.outputs), 8) << "  ";
    if (task.rows)
      os << task.agreeing << " of " << task.rows;
    else
      os << "-";
    os << "\n";
  }
  os << "\nParameters and results, weakest rounding first\n"
     << "  rounding dB  total dB    cosine   max error  format  kind          tasks  name\n";
  for (const Entry &entry : entries) {
    os << "  " << llvm::right_justify(decibels(entry.rounding), 11) << "  "
       << llvm::right_justify(decibels(entry.total), 8) << "  "
       << llvm::format("%8.6f", entry.total.cosine()) << "  "
       << llvm::format("%10.4g", entry.total.maxError()) << "  "
       << llvm::left_justify(entry.format.empty() ? "f32" : entry.format, 6) << "  "
       << llvm::left_justify(entry.kind, 12) << "  "
       << llvm::right_justify(
              entry.tasks.size() == 1 ? entry.tasks.front() : std::to_string(entry.tasks.size()), 5)
       << "  " << entry.name << "\n";
  }
  os << "\nParameters as codes: " << bytes << " bytes, " << scaleBytes << " of them scales\n";
}

void ErrorLedger::printJson(llvm::raw_ostream &os) const {
  llvm::json::OStream json(os, 2);
  auto number = [&](StringRef key, double value) {
    if (std::isfinite(value))
      json.attribute(key, value);
    else
      json.attribute(key, nullptr);
  };
  json.object([&] {
    json.attribute("schema", "aac-ledger/1");
    json.attribute("bytes", bytes);
    json.attribute("scale_bytes", scaleBytes);
    json.attributeArray("tasks", [&] {
      for (const Task &task : tasks)
        json.object([&] {
          json.attribute("name", task.name);
          json.attribute("sentences", task.sentences);
          number("sqnr_db", task.outputs.sqnrDb());
          json.attribute("cosine", task.outputs.cosine());
          json.attribute("max_error", task.outputs.maxError());
          json.attribute("top1_agreeing", task.agreeing);
          json.attribute("top1_of", task.rows);
        });
    });
    json.attributeArray("entries", [&] {
      for (const Entry &entry : entries)
        json.object([&] {
          json.attribute("name", entry.name);
          json.attribute("kind", entry.kind);
          json.attribute("format", entry.format.empty() ? "f32" : entry.format);
          json.attribute("elements", entry.elements);
          if (entry.kind == "parameter") {
            json.attribute("bytes", entry.bytes);
            json.attribute("scale_bytes", entry.scaleBytes);
          }
          json.attributeArray("tasks", [&] {
            for (const std::string &task : entry.tasks)
              json.value(task);
          });
          number("rounding_sqnr_db", entry.rounding.sqnrDb());
          number("sqnr_db", entry.total.sqnrDb());
          json.attribute("cosine", entry.total.cosine());
          json.attribute("max_error", entry.total.maxError());
        });
    });
  });
  os << "\n";
}
