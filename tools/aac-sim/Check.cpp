//===- Check.cpp - aac-sim check: proves that a stream is safe to run ------===//
#include "Commands.h"

#include "aac/Stream/Check.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"

#include <iostream>
#include <memory>

using namespace aac;

namespace {

struct Options {
  std::string input, machine;
};

absl::StatusOr<Machine> machineOf(const Options &options, const Stream &stream) {
  if (!options.machine.empty())
    return Machine::load(options.machine, defaultMachinePath());
  return Machine::parse(stream.machine, "machine of " + options.input);
}

} // namespace

void tool::addCheckCommand(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "check", "Proves of a stream: ranges, no conflicts between units, nothing unwritten is read");
  command->add_option("stream", options->input, "Stream file (.aacs), - for stdin")->required();
  command->add_option("--machine", options->machine,
                      "Name or file of a machine; without it the one in the stream");
  command->callback([options] {
    auto bytes = readFile(options->input);
    if (!bytes.ok())
      fail(bytes.status());
    auto stream = deserialize(*bytes);
    if (!stream.ok())
      fail(inFile(options->input, stream.status()));
    auto machine = machineOf(*options, *stream);
    if (!machine.ok())
      fail(machine.status());
    if (absl::Status status = checkStream(*stream, *machine); !status.ok())
      fail(inFile(options->input, status));
    size_t instructions = 0;
    for (const Program &program : stream->programs)
      instructions += program.code.size();
    std::cout << options->input << ": no faults in " << instructions << " instructions of "
              << stream->programs.size() << " programs for " << stream->tasks.size() << " tasks on "
              << machine->name << "\n";
  });
}
