//===- main.cpp - aac-sim: run, check and print streams --------------------===//
//
// Core only: builds and runs without MLIR. Exit codes: 0 done; 1 the input is wrong;
// 2 usage.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include <iostream>

void aac::tool::fail(const absl::Status &status) {
  std::cerr << "aac-sim: error: " << std::string(status.message()) << "\n";
  throw CLI::RuntimeError(1);
}

int main(int argc, char **argv) {
  CLI::App app("Runs, checks and prints compiled streams (.aacs)", "aac-sim");
  app.require_subcommand(1);
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
