//===- main.cpp - aac-sim: run, check and print streams --------------------===//
//
// Core only: builds and runs without MLIR. Exit codes: 0 done; 1 the input is wrong;
// 2 usage.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"

#include <iostream>

void aac::tool::fail(const absl::Status &status) {
  std::cerr << "aac-sim: error: " << std::string(status.message()) << "\n";
  throw CLI::RuntimeError(1);
}

absl::Status aac::tool::inFile(const std::string &path, const absl::Status &status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

aac::tool::StreamFile aac::tool::readStreamFile(const std::string &path,
                                                const std::string &machineName) {
  auto bytes = readFile(path);
  if (!bytes.ok())
    fail(bytes.status());
  auto stream = deserialize(*bytes);
  if (!stream.ok())
    fail(inFile(path, stream.status()));
  auto machine = machineName.empty() ? Machine::parse(stream->machine, "machine of " + path)
                                     : Machine::load(machineName, defaultMachinePath());
  if (!machine.ok())
    fail(machine.status());
  return {*std::move(stream), *std::move(machine)};
}

int main(int argc, char **argv) {
  CLI::App app("Runs, checks and prints compiled streams (.aacs)", "aac-sim");
  app.require_subcommand(1);
  aac::tool::addAsCommand(app);
  aac::tool::addCheckCommand(app);
  aac::tool::addConformanceCommand(app);
  aac::tool::addDisCommand(app);
  aac::tool::addRegistersCommand(app);
  aac::tool::addRunCommand(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError &error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2; // --help is not an error
  }
  return 0;
}
