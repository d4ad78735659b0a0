//===- Trace.cpp - a program's timing as a trace ---------------------------===//
#include "aac/Sim/Timing.h"

#include "absl/strings/str_cat.h"
#include <nlohmann/json.hpp>

namespace aac::sim {
namespace {

using isa::Unit;
using nlohmann::ordered_json;

constexpr int kUnitsProcess = 1, kTiersProcess = 2;
constexpr const char *kUnitNames[] = {"control", "transfer", "engine", "host"};

/// The events, one a line.
class Events {
public:
  void add(const ordered_json &event) {
    absl::StrAppend(&text, text.empty() ? "" : ",\n",
                    event.dump(-1, ' ', true, nlohmann::detail::error_handler_t::replace));
  }
  void name(const char *what, int process, int thread, const std::string &name) {
    add({{"name", what},
         {"ph", "M"},
         {"pid", process},
         {"tid", thread},
         {"args", {{"name", name}}}});
  }
  std::string text;
};

} // namespace

std::string chromeTrace(const Stream &stream, const Machine &machine, const Program &program,
                        const ProgramTiming &timing) {
  Events events;
  events.name("process_name", kUnitsProcess, 0, program.name);
  for (int unit = 1; unit <= 3; ++unit)
    events.name("thread_name", kUnitsProcess, unit, kUnitNames[unit]);
  events.name("process_name", kTiersProcess, 0, absl::StrCat("tiers of ", machine.name));
  // Transfers and the host may use a tier at the same time: a track for each.
  auto trackOf = [](size_t tier, Unit unit) {
    return static_cast<int>(2 * tier) + (unit == Unit::Host ? 2 : 1);
  };
  for (size_t i = 0; i < machine.tiers.size(); ++i)
    for (Unit unit : {Unit::Transfer, Unit::Host})
      events.name(
          "thread_name", kTiersProcess, trackOf(i, unit),
          absl::StrCat(machine.tiers[i].name, " (", kUnitNames[static_cast<int>(unit)], ")"));

  double usPerCycle = timing.clockHz > 0 ? 1e6 / timing.clockHz : 0;
  for (const TimedInstruction &timed : timing.instructions) {
    const isa::Instruction &in = program.code[timed.index];
    std::string opcode(isa::specOf(in.opcode).name);
    ordered_json args = {{"index", timed.index},
                         {"iteration", timed.iteration},
                         {"cycles", timed.end - timed.start},
                         {"text", isa::print(in)}};
    if (timed.registerWrites)
      args["register_writes"] = timed.registerWrites;
    size_t at = static_cast<size_t>(timed.index);
    int32_t location = at < program.location.size() ? program.location[at] : -1;
    std::string name = opcode;
    if (location >= 0 && location < static_cast<int32_t>(stream.locations.size())) {
      const Location &place = stream.locations[location];
      args["node"] = place.node;
      args["op"] = place.op;
      args["layer"] = place.layer;
      if (!place.node.empty())
        name = absl::StrCat(place.firstNode(), ": ", opcode);
    }
    auto slice = [&](int process, int thread, const ordered_json &arguments) {
      events.add({{"name", name},
                  {"cat", kUnitNames[static_cast<int>(timed.unit)]},
                  {"ph", "X"},
                  {"pid", process},
                  {"tid", thread},
                  {"ts", static_cast<double>(timed.start) * usPerCycle},
                  {"dur", static_cast<double>(timed.end - timed.start) * usPerCycle},
                  {"args", arguments}});
    };
    // A program that has been timed has its addresses in tiers.
    absl::StatusOr<std::vector<TierAccess>> accesses = tierAccesses(in, machine, timed.iteration);
    std::vector<int64_t> read(machine.tiers.size()), written(machine.tiers.size());
    int64_t bytesRead = 0, bytesWritten = 0;
    if (accesses.ok())
      for (const TierAccess &access : *accesses) {
        (access.write ? written : read)[access.tier] += access.bytes;
        (access.write ? bytesWritten : bytesRead) += access.bytes;
      }
    if (bytesRead)
      args["bytes_read"] = bytesRead;
    if (bytesWritten)
      args["bytes_written"] = bytesWritten;
    slice(kUnitsProcess, static_cast<int>(timed.unit), args);
    for (size_t i = 0; i < machine.tiers.size(); ++i)
      if (read[i] || written[i])
        slice(kTiersProcess, trackOf(i, timed.unit),
              {{"index", timed.index}, {"bytes_read", read[i]}, {"bytes_written", written[i]}});
  }
  return absl::StrCat("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", events.text, "\n]}\n");
}

} // namespace aac::sim
