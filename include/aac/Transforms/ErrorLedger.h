//===- ErrorLedger.h - what quantisation costs, tensor by tensor *- C++ -*-===//
#ifndef AAC_TRANSFORMS_ERRORLEDGER_H
#define AAC_TRANSFORMS_ERRORLEDGER_H

#include "aac/Transforms/Samples.h"
#include "dialects/AAC/AACDialect.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// How far values are from their reference.
class ErrorSum {
public:
  void add(llvm::ArrayRef<float> values, llvm::ArrayRef<float> reference);
  /// Signal over noise in dB; infinite where nothing differs.
  double sqnrDb() const;
  /// Of the angle between both; 1 where both are zero.
  double cosine() const;
  double maxError() const { return largest; }

private:
  double signal = 0, noise = 0, squares = 0, product = 0, largest = 0;
};

/// What quantising a suite costs: for every parameter and every result, and for each task's
/// outputs. Measured on the given sentences by evaluating both suites in f32, the quantised
/// one with every result rounded to its format (`aac eval --rounded`).
struct ErrorLedger {
  /// A parameter or the result of an operation, all repetitions of a loop together.
  struct Entry {
    std::string name;               ///< the parameter's symbol, or the ONNX node's name
    std::string kind;               ///< "parameter", or the operation: "linear"
    std::string format;             ///< "af8e3"; empty: not rounded
    std::vector<std::string> tasks; ///< that use it
    int64_t elements = 0;           ///< of a parameter, or of one inference
    int64_t bytes = 0;              ///< of a parameter: dense codes, and its scales
    int64_t scaleBytes = 0;         ///< of these: scales and zero points of int8
    ErrorSum rounding;              ///< what its own rounding does to the reference's values
    ErrorSum total;                 ///< with all that came before it; of a parameter: its rounding
  };
  struct Task {
    std::string name;
    int64_t sentences = 0;
    ErrorSum outputs;
    int64_t rows = 0, agreeing = 0; ///< of outputs with several columns: the largest is the same

    double top1() const { return rows ? static_cast<double>(agreeing) / rows : 1.0; }
  };
  std::vector<Entry> entries; ///< weakest rounding first, those that are exact left out
  std::vector<Task> tasks;    ///< in the order of the suite
  int64_t bytes = 0;          ///< of all parameters with a format
  int64_t scaleBytes = 0;     ///< of these: scales and zero points of int8

  void printText(llvm::raw_ostream &os) const;
  /// Schema `aac-ledger/1` (docs/ledger.md).
  void printJson(llvm::raw_ostream &os) const;
};

/// Compares `quantised` with `reference`, the same suite before aac-quantise, on `samples` (as
/// samplesOf reads them). Errors: the suites are not of one structure, samples that cannot
/// be read, values that cannot be evaluated.
mlir::FailureOr<ErrorLedger> measureErrors(ir::SuiteOp reference, ir::SuiteOp quantised,
                                           llvm::StringRef samples);

/// What is required of every task: `top1:F` (the largest output is the same in a fraction F of
/// rows) or `sqnr:D` (D dB of the outputs).
struct AccuracyBudget {
  bool isTop1 = false;
  double least = 0;

  /// What is wrong with `text`, or the budget.
  static llvm::Expected<AccuracyBudget> parse(llvm::StringRef text);
  double valueOf(const ErrorLedger::Task &task) const;
  bool isMet(const ErrorLedger::Task &task) const { return valueOf(task) >= least; }
  bool isMet(const ErrorLedger &ledger) const;
  /// "top1 of task mnli is 0.95, below 0.99", of the first task that misses it.
  std::string describeMiss(const ErrorLedger &ledger) const;
};

/// The formats with which the weakest quarter of the entries that are rounded get two bits
/// more (int8 becomes af10e3): `name=format` (`formats` of aac-quantise), added to `formats`.
/// Empty where none has fewer than 16 bits.
std::vector<std::string> raiseWeakest(const ErrorLedger &ledger);

} // namespace aac

#endif // AAC_TRANSFORMS_ERRORLEDGER_H
