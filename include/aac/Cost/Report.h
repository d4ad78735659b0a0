//===- Report.h - energy, latency and area of a compiled suite --*- C++ -*-===//
//
// The cost of a program is a ledger: entries with the energy, busy time and bytes of all
// its instructions of one kind. Each view (by operation, layer, unit, tier, data kind) is
// a sum over the same entries, so every view adds up to the same total.
//
// Energies are formulas over the instructions and the machine's constants: `estimated`.
// The latency of a program is that of its schedule where the caller passes timings
// (`simulated`); otherwise the sum of its instructions' own times, one after the other
// (`estimated`). low/typical/high follow the ranges of the machine's constants.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_COST_REPORT_H
#define AAC_COST_REPORT_H

#include "aac/Cost/Encoding.h"
#include "aac/Machine/Machine.h"
#include "aac/Sim/Timing.h"
#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace aac::cost {

/// A figure over the range of the machine's constants.
struct Figure {
  double low = 0, typical = 0, high = 0;
  Figure &operator+=(const Figure &other);
};

enum class Basis { Estimated, Simulated };

/// What the instructions of one kind cost.
struct Entry {
  std::string op;           ///< instruction: "matmul", "load_data"; "leakage"
  std::string layer;        ///< "embedding", "layer", "head", "other"
  std::string sourceOp;     ///< aac op: "linear", "softmax", "other"
  std::string unit;         ///< "engine", "transfer", "host", "static"
  std::string tier;         ///< a tier's name, "buffer", "logic" or "host"
  std::string dataKind;     ///< "backbone", "task", "activation", "mask", "compute", "static"
  int64_t instructions = 0; ///< counted in one of an instruction's entries
  int64_t macs = 0;
  uint64_t bytes = 0; ///< moved to or from the tier
  Figure energyPj;
  Figure busyNs; ///< time of the unit
};

/// One value of a dimension and the sum of its entries.
struct Group {
  std::string key;
  int64_t instructions = 0, macs = 0;
  uint64_t bytes = 0;
  Figure energyPj, busyNs;
};

enum class Dimension { Op, Layer, SourceOp, Unit, Tier, DataKind };

struct ProgramCost {
  std::string name;
  Figure latencyNs;
  Basis latencyBasis = Basis::Estimated;
  int64_t cycles = 0; ///< typical, engine cycles, of the schedule; 0 without
  std::vector<Entry> ledger;
  /// Sum of the ledger.
  Group total() const;
  /// Sums over one dimension, the largest energy first.
  std::vector<Group> by(Dimension dimension) const;
};

struct TaskCost {
  std::string name;
  ProgramCost run; ///< one inference
};

/// The switch between two tasks. from = -1: after power-on.
struct SwitchCost {
  int from = -1, to = 0;
  uint64_t bytes = 0; ///< written
  Figure latencyNs, energyPj;
  Basis latencyBasis = Basis::Estimated;
};

/// What lies in a tier.
struct TierUse {
  std::string name, technology;
  uint64_t capacity = 0;
  uint64_t imageBytes = 0;                   ///< in the stream's images
  uint64_t backboneBytes = 0, taskBytes = 0; ///< parameters read there (symbols)
  uint64_t activationBytes = 0;              ///< other bytes that run programs write
  double areaMm2 = 0;                        ///< typical, of the whole capacity
};

struct Report {
  std::string machineName, machineProfile;
  uint64_t machineHash = 0;
  std::vector<TaskCost> tasks;
  std::vector<SwitchCost> switches; ///< every from (-1 first) to every other task
  ProgramCost powerOn;              ///< all power-on programs
  std::vector<TierUse> tiers;
  Figure bufferAreaMm2, logicAreaMm2, tierAreaMm2;
  StreamSize streamSize;
  /// The machine's constants that the figures rest on.
  struct Constant {
    std::string name;
    Quantity value;
  };
  std::vector<Constant> constants;
  /// Of the compiler, which alone knows the parameters; empty where a stream is all there is.
  Encoding encoding;
};

/// Schedules of all programs of a stream, in its order, at each end of the machine's
/// figures (sim::timeStream). Empty vectors: none.
struct Schedules {
  std::vector<sim::ProgramTiming> low, typical, high;
};

/// Error if an instruction addresses no tier or a loop is not closed.
absl::StatusOr<Report> makeReport(const Stream &stream, const Machine &machine,
                                  const Schedules &schedules = {});
/// Times the programs of `stream` at each end of the machine's figures and reports.
absl::StatusOr<Report> costStream(const Stream &stream, const Machine &machine);

/// For people: the headline first.
std::string printReportText(const Report &report);
/// Schema "aac-report/1" (docs/report.md).
nlohmann::ordered_json reportJson(const Report &report);
std::string printReportJson(const Report &report);

} // namespace aac::cost

#endif // AAC_COST_REPORT_H
