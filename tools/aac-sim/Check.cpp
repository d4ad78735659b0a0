//===- Check.cpp - aac-sim check: proves that a stream is safe to run ------===//
#include "Commands.h"

#include "aac/Stream/Check.h"

#include <iostream>
#include <memory>

using namespace aac;

namespace {

struct Options {
  std::string input, machine;
};

} // namespace

void tool::addCheckCommand(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "check", "Proves of a stream: ranges, no conflicts between units, nothing unwritten is read");
  command->add_option("stream", options->input, "Stream file (.aacs), - for stdin")->required();
  command->add_option("--machine", options->machine,
                      "Name or file of a machine; without it the one in the stream");
  command->callback([options] {
    auto [stream, machine] = readStreamFile(options->input, options->machine);
    if (absl::Status status = checkStream(stream, machine); !status.ok())
      fail(inFile(options->input, status));
    size_t instructions = 0;
    for (const Program &program : stream.programs)
      instructions += program.code.size();
    std::cout << options->input << ": no faults in " << instructions << " instructions of "
              << stream.programs.size() << " programs for " << stream.tasks.size() << " tasks on "
              << machine.name << "\n";
  });
}
