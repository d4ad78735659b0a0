//===- Machine.h - the machine that a suite is compiled for -----*- C++ -*-===//
//
// Passes, simulator and cost model ask this; no hardware number stands in code.
// A machine is a protobuf message (machine.proto, the reference of every field)
// written as text in machines/*.textproto; `base:` names a file it inherits from.
// This class is the resolved, validated description.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_MACHINE_MACHINE_H
#define AAC_MACHINE_MACHINE_H

#include "aac/Numerics/Cells.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// A number with its unit and source; low <= typical <= high.
struct Quantity {
  double low = 0, typical = 0, high = 0;
  std::string unit, source;
};

enum class Technology { Sram, Rram, Dram };
enum class Semantics { Published, Corrected };

/// What may live in a tier (also the data kinds of the cost report).
enum class DataKind { Backbone, Task, Activation, InactiveTask };

struct Tier {
  std::string name;
  Technology technology = Technology::Dram;
  uint64_t base = 0;     ///< first byte address, global 32-bit map
  uint64_t capacity = 0; ///< bytes
  int bitsPerCell = 1;
  bool persistent = false; ///< has an image in the stream (RRAM, DRAM)
  std::vector<DataKind> allows;
  Quantity bandwidth;                 ///< bytes/s
  Quantity readLatency, writeLatency; ///< ns per access
  Quantity readEnergy, writeEnergy;   ///< pJ/bit
  Quantity leakage;                   ///< mW/MiB
  Quantity area;                      ///< mm2/MiB; 0 off chip
  Quantity endurance;                 ///< write cycles; 0 = unlimited
  Quantity cellErrorRate;             ///< per cell read after programming
  LevelErrors levelErrors;            ///< the same by level; empty: every step is as likely
  std::string levelSource;            ///< of levelErrors
  std::string cellOrder;              ///< of a code's bits (cellFormatOf); may be empty
  std::string source;                 ///< of base, capacity and bits per cell
  bool allowsKind(DataKind kind) const;
  /// By level, when a cell is wrong at `rate`.
  LevelErrors errorsAt(double rate) const;
};

/// Cycle constants of the engine (reference: accelerator section 6), in engine cycles.
struct EngineTiming {
  int64_t tileCycles = 0;                                ///< matmul, per 16x16x16 tile (33)
  int64_t blockDrainCycles = 0;                          ///< per output block after the first (8)
  int64_t matmulOverhead = 0;                            ///< per command (35)
  int64_t activationFetchCycles = 0;                     ///< SFU activation fetch round trip (17)
  int64_t auxFetchCycles = 0;                            ///< SFU auxiliary fetch round trip (6)
  int64_t sfuStateCycles = 0;                            ///< per vector beyond the fetches (1)
  int64_t layerNormFetches = 0, layerNormAuxFetches = 0; ///< per vector (2, 2)
  int64_t softmaxFetches = 0, softmaxAuxFetches = 0;     ///< per vector (3, 1)
  int64_t addFetches = 0, addStateCycles = 0;            ///< per vector (2, 2)
  int64_t entropyFetches = 0;                            ///< per vector (2)
  int64_t rowOverhead = 0;                               ///< SFU, per row (2)
  int64_t layerNormOverhead = 0, softmaxOverhead = 0, addOverhead = 0, entropyOverhead = 0;
  int64_t beatBytes = 0;           ///< bytes per data-port beat (8)
  int64_t maskWordsPerCycle = 0;   ///< mask transfer rate (1)
  int64_t burstBeats = 0;          ///< beats per burst (256)
  int64_t burstOverhead = 0;       ///< per burst on loads, without memory latency (5)
  int64_t storeBurstOverhead = 0;  ///< per burst on stores (12)
  int64_t transferOverhead = 0;    ///< per transfer (4)
  int64_t registerWriteCycles = 0; ///< per configuration register write (4)
  std::string source;              ///< of the numbers above
};

struct Engine {
  int vectorSize = 16;
  int64_t dataRows = 0;                     ///< rows of 16 bytes per data memory (4096)
  int64_t maskWords = 0;                    ///< words per mask memory (4096)
  int64_t auxRows = 0;                      ///< rows of 16 bytes of auxiliary memory (256)
  int64_t maxN = 0;                         ///< largest N0, N1 (1008)
  int64_t maxM = 0;                         ///< largest M (4080)
  int64_t maxVectors = 0, maxTimesteps = 0; ///< SFU field limits (255, 255)
  int accumulatorBits = 32;
  int accumulatorFractionBits = 12; ///< of the shifted accumulator
  int sfuBits = 20, sfuFractionBits = 14;
  Semantics semantics = Semantics::Corrected;
  bool overlapsTransfers = true; ///< one transfer beside one compute command
  std::string source;            ///< of the sizes and widths above
  EngineTiming timing;
  Quantity clock;                               ///< Hz
  Quantity macEnergy;                           ///< pJ per MAC
  Quantity sfuEnergy;                           ///< pJ per SFU lane operation
  Quantity bufferReadEnergy, bufferWriteEnergy; ///< pJ/bit, data/mask/aux memories
  Quantity bufferLeakage;                       ///< mW/MiB
  Quantity bufferArea;                          ///< mm2/MiB
  Quantity logicArea;                           ///< mm2
  Quantity logicLeakage;                        ///< mW
};

struct Host {
  Quantity clock;            ///< Hz
  Quantity cyclesPerElement; ///< of a table, gather, transpose or copy element (byte)
  Quantity cyclesPerCall;    ///< fixed cost of a host call
  Quantity energyPerCycle;   ///< pJ
};

/// One voltage/frequency point of the engine.
struct OperatingPoint {
  Quantity voltage;     ///< V
  Quantity clock;       ///< Hz
  Quantity energyRatio; ///< dynamic energy relative to the first point
};

class Machine {
public:
  /// Loads `nameOrPath`: a name found in `searchPath` (files NAME.textproto) or a path.
  /// Errors name file, line and field.
  static absl::StatusOr<Machine> load(absl::string_view nameOrPath,
                                      const std::vector<std::string> &searchPath);
  /// Parses a resolved description (as text() prints; no `base:`). parse(m.text()) equals m.
  static absl::StatusOr<Machine> parse(absl::string_view text, absl::string_view fileName);

  std::string name, profile, description;
  Engine engine;
  Host host;
  std::vector<Tier> tiers;
  std::vector<OperatingPoint> points;

  /// The whole resolved description, deterministic; the stream carries it.
  const std::string &text() const { return resolvedText; }
  /// XXH3 of text().
  uint64_t hash() const;
  const Tier *findTier(absl::string_view tierName) const;
  /// The tier that holds byte `address`, or null.
  const Tier *tierAt(uint64_t address) const;
  /// First tier, in file order, that allows `kind`, or null. File order is preference.
  const Tier *tierFor(DataKind kind) const;

private:
  friend class MachineBuilder; // lib/Machine/Machine.cpp
  std::string resolvedText;
};

/// Where the tools look for machines: the directories of $AAC_MACHINES (separated by
/// colons), then the source and install trees.
std::vector<std::string> defaultMachinePath();

/// Names of the machines (files NAME.textproto) in the directories of `searchPath`, each
/// once, sorted. A directory that cannot be read has none.
std::vector<std::string> listMachines(const std::vector<std::string> &searchPath);

/// The machine as a page of text for people: what `aac machines show` prints.
std::string describeMachine(const Machine &machine);

} // namespace aac

#endif // AAC_MACHINE_MACHINE_H
