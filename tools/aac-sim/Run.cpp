//===- Run.cpp - aac-sim run: one inference of a stream --------------------===//
#include "Commands.h"

#include "aac/Cost/Report.h"
#include "aac/Machine/Machine.h"
#include "aac/Numerics/Layout.h"
#include "aac/Sim/Faults.h"
#include "aac/Sim/Simulator.h"
#include "aac/Sim/Timing.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"
#include "aac/Support/Npz.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

namespace aac::tool {
namespace {

struct RunOptions {
  std::string stream, machine, task, input, output, trace, report, faults;
  int caseIndex = -1;
  int threads = 0;
  bool stopwatch = false;
};

template <typename T> T check(absl::StatusOr<T> value) {
  if (!value.ok())
    fail(value.status());
  return std::move(*value);
}
void check(const absl::Status &status) {
  if (!status.ok())
    fail(status);
}

/// The machine in the stream; where one is named it must be the same.
Machine machineOf(const Stream &stream, const RunOptions &options) {
  Machine machine = check(Machine::parse(stream.machine, options.stream));
  if (!options.machine.empty()) {
    Machine named = check(Machine::load(options.machine, defaultMachinePath()));
    if (named.hash() != machine.hash())
      fail(absl::InvalidArgumentError(absl::StrFormat(
          "'%s' was compiled for machine '%s' (hash %016x), not for '%s' (hash %016x); compile "
          "it again or leave --machine out",
          options.stream, machine.name, machine.hash(), named.name, named.hash())));
  }
  return machine;
}

int findTask(const Stream &stream, const std::string &name) {
  std::vector<std::string> names;
  for (size_t i = 0; i < stream.tasks.size(); ++i) {
    if (stream.tasks[i].name == name || (name.empty() && stream.tasks.size() == 1))
      return static_cast<int>(i);
    names.push_back(absl::StrCat("'", stream.tasks[i].name, "'"));
  }
  std::string known = absl::StrJoin(names, ", ");
  if (name.empty())
    fail(absl::InvalidArgumentError(
        absl::StrCat("the stream has several tasks; choose one with --task: ", known)));
  fail(absl::InvalidArgumentError(
      absl::StrCat("the stream has no task '", name, "'; it has ", known)));
}

/// The arrays of one case under their plain names.
std::vector<NpyArray> readInputs(const RunOptions &options) {
  std::vector<NpyArray> arrays = check(readNpz(options.input));
  if (options.caseIndex < 0)
    return arrays;
  std::string prefix = absl::StrCat("in.", options.caseIndex, ".");
  std::vector<NpyArray> chosen;
  for (NpyArray &array : arrays)
    if (absl::StartsWith(array.name, prefix)) {
      array.name = array.name.substr(prefix.size());
      chosen.push_back(std::move(array));
    }
  if (chosen.empty())
    fail(absl::InvalidArgumentError(absl::StrCat("'", options.input, "' holds no array '", prefix,
                                                 "<name>' for --case=", options.caseIndex)));
  return chosen;
}

void printOutputs(std::ostream &out, const std::vector<NpyArray> &outputs) {
  constexpr size_t most = 8;
  for (const NpyArray &array : outputs) {
    std::vector<float> values = check(array.toFloats());
    std::string shape = absl::StrJoin(array.shape, "x");
    absl::string_view more = values.size() > most ? " ..." : "";
    values.resize(std::min(values.size(), most));
    out << array.name << " [" << shape << "]: " << absl::StrJoin(values, " ") << more << "\n";
  }
}

nlohmann::ordered_json placeJson(const Stream &stream, const sim::InstructionPlace &place) {
  const Program &program = stream.programs[place.program];
  return {{"program", program.name},
          {"instruction", place.index},
          {"repetition", place.iteration},
          {"text", isa::print(program.code[place.index])}};
}

/// The places with the most of what `count` counts, and the first instruction of each.
void printWorst(std::ostream &out, const Stream &stream, const sim::Simulator &simulator,
                int64_t sim::Counts::*count,
                sim::InstructionPlace sim::LocationStatistics::*first) {
  constexpr size_t most = 5;
  std::vector<size_t> order;
  for (size_t i = 0; i < simulator.statistics().size(); ++i)
    if (simulator.statistics()[i].counts.*count > 0)
      order.push_back(i);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    int64_t first = simulator.statistics()[a].counts.*count;
    int64_t second = simulator.statistics()[b].counts.*count;
    return first != second ? first > second : a < b;
  });
  for (size_t i = 0; i < std::min(most, order.size()); ++i) {
    const sim::LocationStatistics &entry = simulator.statistics()[order[i]];
    std::string where = "no place in the model";
    if (order[i] < stream.locations.size()) {
      const Location &location = stream.locations[order[i]];
      where = absl::StrCat(location.layer, " ", location.op, " '", location.firstNode(), "'");
    }
    const sim::InstructionPlace &place = entry.*first;
    out << absl::StrFormat("  %d at %s, first in instruction %d of %s\n", entry.counts.*count,
                           where, place.index, stream.programs[place.program].name);
  }
  if (order.size() > most)
    out << absl::StrFormat("  and at %d more places (--report tells all)\n", order.size() - most);
}

void runStream(const RunOptions &options) {
  std::string bytes = check(readFile(options.stream));
  absl::StatusOr<Stream> parsed = deserialize(bytes);
  if (!parsed.ok())
    fail(absl::Status(parsed.status().code(),
                      absl::StrCat(options.stream, ": ", std::string(parsed.status().message()))));
  Stream &stream = *parsed;
  Machine machine = machineOf(stream, options);
  int task = findTask(stream, options.task);
  std::vector<NpyArray> inputs = readInputs(options);

  std::vector<sim::TierFaults> faults;
  if (!options.faults.empty())
    faults = sim::injectFaults(stream, machine, check(sim::parseFaults(options.faults)));
  sim::Simulator simulator = check(sim::Simulator::create(stream, machine));
  simulator.setThreads(options.threads);
  check(simulator.runPowerOn());
  check(simulator.switchTo(task));
  auto begin = std::chrono::steady_clock::now();
  std::vector<NpyArray> outputs = check(simulator.run(task, inputs));
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (!options.output.empty())
    check(writeNpz(options.output, outputs));

  cost::Schedules schedules;
  schedules.low = check(sim::timeStream(stream, machine, sim::Level::Low));
  schedules.typical = check(sim::timeStream(stream, machine, sim::Level::Typical));
  schedules.high = check(sim::timeStream(stream, machine, sim::Level::High));
  cost::Report report = check(cost::makeReport(stream, machine, schedules));
  int32_t program = stream.tasks[task].runProgram;
  const sim::ProgramTiming &timing = schedules.typical[program];
  sim::LocationStatistics totals = simulator.totals();

  if (!options.trace.empty())
    check(writeFileAtomically(options.trace,
                              sim::chromeTrace(stream, machine, stream.programs[program], timing)));
  if (!options.report.empty()) {
    nlohmann::ordered_json json = cost::reportJson(report);
    nlohmann::ordered_json read, written;
    for (size_t i = 0; i < machine.tiers.size(); ++i) {
      read[machine.tiers[i].name] = totals.bytesRead[i];
      written[machine.tiers[i].name] = totals.bytesWritten[i];
    }
    nlohmann::ordered_json locations = nlohmann::ordered_json::array();
    for (size_t i = 0; i < stream.locations.size(); ++i) {
      const sim::LocationStatistics &entry = simulator.statistics()[i];
      if (entry.instructions == 0)
        continue;
      nlohmann::ordered_json location = {{"node", stream.locations[i].node},
                                         {"op", stream.locations[i].op},
                                         {"layer", stream.locations[i].layer},
                                         {"instructions", entry.instructions},
                                         {"macs", entry.macs},
                                         {"gated_products", entry.gatedProducts},
                                         {"parameter_vectors", entry.parameterVectors},
                                         {"null_parameter_vectors", entry.nullParameterVectors},
                                         {"saturations", entry.counts.saturations},
                                         {"accumulator_overflows", entry.counts.overflows}};
      if (entry.counts.saturations > 0)
        location["first_saturation"] = placeJson(stream, entry.firstSaturation);
      if (entry.counts.overflows > 0)
        location["first_overflow"] = placeJson(stream, entry.firstOverflow);
      locations.push_back(std::move(location));
    }
    // Power-on, the switch and the inference together.
    json["simulation"] = {{"task", stream.tasks[task].name},
                          {"basis", "simulated"},
                          {"instructions", totals.instructions},
                          {"macs", totals.macs},
                          {"gated_products", totals.gatedProducts},
                          {"parameter_vectors", totals.parameterVectors},
                          {"null_parameter_vectors", totals.nullParameterVectors},
                          {"saturations", totals.counts.saturations},
                          {"accumulator_overflows", totals.counts.overflows},
                          {"bytes_read", std::move(read)},
                          {"bytes_written", std::move(written)},
                          {"locations", std::move(locations)}};
    check(writeFileAtomically(options.report, json.dump(2) + "\n"));
  }

  // What goes to standard output may be an array or a report.
  bool taken = options.output == "-" || options.trace == "-" || options.report == "-";
  std::ostream &out = taken ? std::cerr : std::cout;
  printOutputs(out, outputs);
  cost::Group total = report.tasks[task].run.total();
  out << absl::StrFormat("%d cycles, %.4g ms (simulated); %.4g mJ (estimated) on %s\n",
                         timing.totalCycles, timing.latencyNs() * 1e-6,
                         total.energyPj.typical * 1e-9, machine.name);
  out << absl::StrFormat("busy: engine %d, transfer %d, host %d cycles\n",
                         timing.busyCycles[static_cast<size_t>(isa::Unit::Engine)],
                         timing.busyCycles[static_cast<size_t>(isa::Unit::Transfer)],
                         timing.busyCycles[static_cast<size_t>(isa::Unit::Host)]);
  if (!options.faults.empty() && faults.empty())
    out << "faults: no image lies in cells that fail\n";
  for (const sim::TierFaults &tier : faults)
    out << absl::StrFormat("faults: %d of %d cells of %s are wrong (%d bits a cell, %g a cell, "
                           "order %s); codes at %.1f dB, expected %.1f dB\n",
                           tier.wrong, tier.cells, tier.tier, tier.bitsPerCell, tier.rate,
                           tier.order, tier.sqnrDb, tier.expectedDb);
  if (options.stopwatch)
    out << absl::StrFormat("simulated in %.3f s: %.0f million cycles a second\n", seconds.count(),
                           static_cast<double>(timing.totalCycles) * 1e-6 / seconds.count());
  out << absl::StrFormat("null vectors: %d of %d of parameters; they and those of activations gate "
                         "%d of %d products of vectors\n",
                         totals.nullParameterVectors, totals.parameterVectors, totals.gatedProducts,
                         totals.macs / kLanes);
  out << absl::StrFormat("saturated results: %d\n", totals.counts.saturations);
  printWorst(out, stream, simulator, &sim::Counts::saturations,
             &sim::LocationStatistics::firstSaturation);
  out << absl::StrFormat("accumulator overflows: %d\n", totals.counts.overflows);
  printWorst(out, stream, simulator, &sim::Counts::overflows,
             &sim::LocationStatistics::firstOverflow);
}

} // namespace

void addRunCommand(CLI::App &app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *run = app.add_subcommand("run", "Runs one inference to the bit and times it");
  run->add_option("stream", options->stream, "compiled stream (.aacs)")->required();
  run->add_option("--machine", options->machine,
                  "name or path; must be the machine the stream was compiled for");
  run->add_option("--task", options->task, "task to run; may be left out where there is one");
  run->add_option("--input", options->input, "arrays named as the task's inputs (.npz)")
      ->required();
  run->add_option("--case", options->caseIndex, "take the arrays in.<case>.<name>")
      ->check(CLI::NonNegativeNumber);
  run->add_option("-o,--output", options->output, "where the outputs go (.npz)");
  run->add_option("--trace", options->trace, "schedule as a Perfetto trace (.json)");
  run->add_option("--faults", options->faults,
                  "wrong cells in the images, at the machine's rates or another: "
                  "seed:N[,rate:P][,order:BITS]; BITS is best, natural or the bits of a code, as "
                  "'s e2 e1 e0 m3 m2 m1 m0'");
  run->add_option("--threads", options->threads, "threads to simulate with [one a processor]")
      ->check(CLI::PositiveNumber);
  run->add_flag("--stopwatch", options->stopwatch, "say how long simulating the inference took");
  run->add_option("--report", options->report, "cost and statistics (.json)");
  run->callback([options] { runStream(*options); });
}

} // namespace aac::tool
