//===- Describe.cpp - a machine for people --------------------------------===//

#include "aac/Machine/Machine.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include <map>
#include <utility>

namespace aac {
namespace {

const char *nameOf(Technology technology) {
  switch (technology) {
  case Technology::Sram:
    return "SRAM";
  case Technology::Rram:
    return "RRAM";
  case Technology::Dram:
    return "DRAM";
  }
  return "";
}

const char *nameOf(DataKind kind) {
  switch (kind) {
  case DataKind::Backbone:
    return "backbone";
  case DataKind::Task:
    return "task";
  case DataKind::Activation:
    return "activation";
  case DataKind::InactiveTask:
    return "inactive task";
  }
  return "";
}

/// Bytes in the largest unit that leaves a whole number.
std::string formatBytes(uint64_t bytes) {
  const char *units[] = {"B", "KiB", "MiB", "GiB"};
  int unit = 0;
  while (unit != 3 && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrCat(bytes, " ", units[unit]);
}

/// Prints lines; numbers the sources that quantities cite.
class Page {
public:
  void line(absl::string_view text) { absl::StrAppend(&body, text, "\n"); }

  void row(absl::string_view label, absl::string_view value) {
    body += absl::StrFormat("  %-20s %s\n", label, value);
  }

  void row(absl::string_view label, const Quantity &quantity) {
    auto [divisor, unit] = scaleFor(quantity);
    std::string value = absl::StrFormat("%.6g", quantity.typical / divisor);
    if (quantity.low != quantity.high)
      absl::StrAppendFormat(&value, " (%.6g to %.6g)", quantity.low / divisor,
                            quantity.high / divisor);
    row(label, absl::StrCat(value, unit.empty() ? "" : " ", unit, cite(quantity.source)));
  }

  /// " [n]", the number of `source` in the list at the end.
  std::string cite(const std::string &source) { return absl::StrCat(" [", number(source), "]"); }

  std::string take() {
    if (!order.empty())
      absl::StrAppend(&body, "\nsources\n");
    for (size_t i = 0; i != order.size(); ++i)
      wrap(absl::StrFormat("  [%d] ", i + 1), order[i]);
    return std::move(body);
  }

private:
  /// A prefix for the units that come in billions.
  static std::pair<double, std::string> scaleFor(const Quantity &quantity) {
    bool isHertz = quantity.unit == "Hz";
    if (!isHertz && quantity.unit != "bytes/s")
      return {1, quantity.unit == "1" ? "" : quantity.unit};
    if (quantity.typical >= 1e9)
      return {1e9, isHertz ? "GHz" : "GB/s"};
    return {1e6, isHertz ? "MHz" : "MB/s"};
  }

  int number(const std::string &source) {
    auto [at, isNew] = numbers.emplace(source, static_cast<int>(order.size()) + 1);
    if (isNew)
      order.push_back(source);
    return at->second;
  }

  /// Breaks `text` at spaces, with the lead's width as margin.
  void wrap(const std::string &lead, const std::string &text) {
    constexpr size_t width = 100;
    std::string out = lead;
    std::string margin(lead.size(), ' ');
    bool first = true;
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      if (!first && out.size() + 1 + word.size() > width) {
        line(out);
        out = margin;
        first = true;
      }
      absl::StrAppend(&out, first ? "" : " ", word);
      first = false;
    }
    line(out);
  }

  std::string body;
  std::map<std::string, int> numbers;
  std::vector<std::string> order;
};

void describeEngine(const Engine &engine, Page &page) {
  page.line("\nengine" + page.cite(engine.source));
  page.row("semantics", engine.semantics == Semantics::Published ? "PUBLISHED" : "CORRECTED");
  page.row("matrix unit",
           absl::StrFormat("%d x %d MACs a cycle", engine.vectorSize, engine.vectorSize));
  page.row("data memories", absl::StrFormat("2 x %d rows of 16 bytes (2 x %s)", engine.dataRows,
                                            formatBytes(engine.dataRows * 16)));
  page.row("mask memories", absl::StrFormat("2 x %d words of 16 bits (2 x %s)", engine.maskWords,
                                            formatBytes(engine.maskWords * 2)));
  page.row("auxiliary memory", absl::StrFormat("%d rows of 16 bytes (%s)", engine.auxRows,
                                               formatBytes(engine.auxRows * 16)));
  page.row("limits", absl::StrFormat("N %d, M %d, %d vectors, %d timesteps", engine.maxN,
                                     engine.maxM, engine.maxVectors, engine.maxTimesteps));
  page.row("accumulator", absl::StrFormat("%d bits, %d of them fraction after the shift",
                                          engine.accumulatorBits, engine.accumulatorFractionBits));
  page.row("SFU word",
           absl::StrFormat("%d bits, %d of them fraction", engine.sfuBits, engine.sfuFractionBits));
  page.row("overlap", engine.overlapsTransfers ? "one transfer beside one compute command"
                                               : "none: transfers and commands in turn");
  page.row("clock", engine.clock);
  page.row("MAC energy", engine.macEnergy);
  page.row("SFU energy", engine.sfuEnergy);
  page.row("buffer read", engine.bufferReadEnergy);
  page.row("buffer write", engine.bufferWriteEnergy);
  page.row("buffer leakage", engine.bufferLeakage);
  page.row("buffer area", engine.bufferArea);
  page.row("logic area", engine.logicArea);
  page.row("logic leakage", engine.logicLeakage);

  const EngineTiming &t = engine.timing;
  page.line("\nengine timing (cycles)" + page.cite(t.source));
  page.row("matmul", absl::StrFormat("%d a tile, %d a further block, %d a command", t.tileCycles,
                                     t.blockDrainCycles, t.matmulOverhead));
  page.row("SFU fetch",
           absl::StrFormat("%d an activation vector, %d an auxiliary row, %d besides",
                           t.activationFetchCycles, t.auxFetchCycles, t.sfuStateCycles));
  page.row("layer norm",
           absl::StrFormat("%d + %d fetches a vector, %d a command", t.layerNormFetches,
                           t.layerNormAuxFetches, t.layerNormOverhead));
  page.row("softmax", absl::StrFormat("%d + %d fetches a vector, %d a command", t.softmaxFetches,
                                      t.softmaxAuxFetches, t.softmaxOverhead));
  page.row("addition", absl::StrFormat("%d fetches and %d states a vector, %d a command",
                                       t.addFetches, t.addStateCycles, t.addOverhead));
  page.row("entropy", absl::StrFormat("%d fetches a vector, %d a command", t.entropyFetches,
                                      t.entropyOverhead));
  page.row("SFU row", absl::StrFormat("%d", t.rowOverhead));
  page.row("transfer", absl::StrFormat("%d bytes a beat, %d mask words a cycle, %d beats a burst",
                                       t.beatBytes, t.maskWordsPerCycle, t.burstBeats));
  page.row("", absl::StrFormat("%d a load burst, %d a store burst, %d a transfer", t.burstOverhead,
                               t.storeBurstOverhead, t.transferOverhead));
  page.row("register write", absl::StrFormat("%d", t.registerWriteCycles));
}

void describeTier(const Tier &tier, Page &page) {
  std::vector<std::string> kinds;
  kinds.reserve(tier.allows.size());
  for (DataKind kind : tier.allows)
    kinds.push_back(nameOf(kind));
  page.line(absl::StrFormat("\ntier %s: %s, %s at 0x%08x%s", tier.name, nameOf(tier.technology),
                            formatBytes(tier.capacity), tier.base, page.cite(tier.source)));
  page.row("holds", absl::StrJoin(kinds, ", "));
  page.row("bits per cell", absl::StrCat(tier.bitsPerCell));
  page.row("image in stream", tier.persistent ? "yes" : "no");
  page.row("bandwidth", tier.bandwidth);
  page.row("read latency", tier.readLatency);
  page.row("write latency", tier.writeLatency);
  page.row("read energy", tier.readEnergy);
  page.row("write energy", tier.writeEnergy);
  page.row("leakage", tier.leakage);
  page.row("area", tier.area);
  page.row("endurance", tier.endurance);
  page.row("cell error rate", tier.cellErrorRate);
  if (!tier.levelErrors.down.empty()) {
    auto list = [](const std::vector<double> &rates) { return absl::StrJoin(rates, " "); };
    page.row("of its levels down", list(tier.levelErrors.down) + page.cite(tier.levelSource));
    page.row("of its levels up", list(tier.levelErrors.up) + page.cite(tier.levelSource));
  }
  if (!tier.cellOrder.empty())
    page.row("order of bits in cells", tier.cellOrder);
}

} // namespace

std::string describeMachine(const Machine &machine) {
  Page page;
  page.line(absl::StrFormat("machine %s (memory profile %s)", machine.name, machine.profile));
  page.line("  " + machine.description);
  page.line(absl::StrFormat("  hash %016x", machine.hash()));
  describeEngine(machine.engine, page);
  page.line("\nhost");
  page.row("clock", machine.host.clock);
  page.row("per element", machine.host.cyclesPerElement);
  page.row("per call", machine.host.cyclesPerCall);
  page.row("energy per cycle", machine.host.energyPerCycle);
  for (const Tier &tier : machine.tiers)
    describeTier(tier, page);
  for (size_t i = 0; i != machine.points.size(); ++i) {
    page.line(absl::StrFormat("\noperating point %d", i));
    page.row("voltage", machine.points[i].voltage);
    page.row("clock", machine.points[i].clock);
    page.row("energy ratio", machine.points[i].energyRatio);
  }
  return page.take();
}

} // namespace aac
