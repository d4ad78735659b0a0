//===- Ledger.cpp - aac compile --ledger and --budget: accuracy measured --===//
#include "Compile.h"

#include "aac/Transforms/ErrorLedger.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "llvm/Support/Error.h"
#include <map>

using namespace mlir;

namespace aac::tool {
namespace {

ir::SuiteOp suiteOf(ModuleOp module) { return *module.getOps<ir::SuiteOp>().begin(); }

/// A pattern for each tensor, the widest format where several were chosen for it.
std::string joinChoices(const std::string &given,
                        const std::map<std::string, std::string> &raised) {
  std::vector<std::string> all;
  if (!given.empty())
    all.push_back(given);
  for (const auto &[name, format] : raised)
    all.push_back(absl::StrCat(name, "=", format));
  return absl::StrJoin(all, ",");
}

/// Quantises a copy of `prepared` without encoding it.
OwningOpRef<ModuleOp> quantise(ModuleOp prepared, const std::vector<std::string> &options) {
  OwningOpRef<ModuleOp> copy(prepared.clone());
  runStage(*copy,
           {"", "",
            absl::StrCat("aac-quantise-pipeline{", absl::StrJoin(options, " "), " encode=false}")});
  return copy;
}

ErrorLedger measure(ModuleOp prepared, ModuleOp quantised, const std::string &samples) {
  FailureOr<ErrorLedger> ledger = measureErrors(suiteOf(prepared), suiteOf(quantised), samples);
  if (failed(ledger))
    failQuietly();
  return std::move(*ledger);
}

} // namespace

Measured compressMeasured(OwningOpRef<ModuleOp> &module, CompileArguments &arguments) {
  std::optional<AccuracyBudget> budget;
  if (!arguments.budget.empty()) {
    llvm::Expected<AccuracyBudget> parsed = AccuracyBudget::parse(arguments.budget);
    if (!parsed)
      fail(llvm::toString(parsed.takeError()));
    budget = *parsed;
  }
  std::string samples = absl::StrJoin(arguments.calibrate, ",");
  auto optionsNow = [&] {
    std::vector<std::string> options = optionsOf(arguments);
    if (!samples.empty())
      options.push_back(absl::StrCat("calibrate=", samples));
    return options;
  };
  runStage(*module,
           {"", "", absl::StrCat("aac-prepare-pipeline{", absl::StrJoin(optionsNow(), " "), "}")});

  const std::string given = arguments.formats;
  OwningOpRef<ModuleOp> quantised = quantise(*module, optionsNow());
  ErrorLedger ledger = measure(*module, *quantised, samples);
  bool analysis = arguments.emit == "compressed";
  if (budget && !budget->isMet(ledger)) {
    const std::string miss = budget->describeMiss(ledger);
    std::map<std::string, std::string> raised;
    while (!budget->isMet(ledger)) {
      std::vector<std::string> more = raiseWeakest(ledger);
      for (const std::string &choice : more) {
        size_t at = choice.rfind('=');
        raised[choice.substr(0, at)] = choice.substr(at + 1);
      }
      if (std::string wider = joinChoices(given, raised); wider != arguments.formats)
        arguments.formats = std::move(wider);
      else
        fail(absl::StrCat("budget missed: ", miss, "; formats of 16 bits do not meet it either"));
      quantised = quantise(*module, optionsNow());
      ledger = measure(*module, *quantised, samples);
    }
    if (!analysis)
      fail(absl::StrCat("budget missed: ", miss, "; machine '", arguments.machine,
                        "' runs one format, ", arguments.format, ". It would be met with ",
                        arguments.formats, " (--emit=compressed)"));
  }
  Measured measured;
  llvm::raw_string_ostream text(measured.text), json(measured.json);
  ledger.printText(text);
  ledger.printJson(json);
  // Other formats than the engine's are for analysis: they have no bytes there.
  if (analysis) {
    module = std::move(quantised);
    return measured;
  }
  runStage(*module,
           {"", "", absl::StrCat("aac-quantise-pipeline{", absl::StrJoin(optionsNow(), " "), "}")});
  return measured;
}

} // namespace aac::tool
