//===- Commands.h - the subcommands of aac-sim ------------------*- C++ -*-===//
//
// Each subcommand is a file of its own with one function that adds it to the
// application and sets a callback. The callback does the work; where it cannot it calls
// fail(), which ends the program with exit code 1. A new subcommand is declared here,
// called in main.cpp and listed in CMakeLists.txt.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_COMMANDS_H
#define AAC_SIM_COMMANDS_H

#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "absl/status/status.h"
#include <CLI/CLI.hpp>
#include <string>

namespace aac::tool {

/// Prints `aac-sim: error: <message>` and leaves the callback with exit code 1.
[[noreturn]] void fail(const absl::Status &status);

/// `status` with the file that it is about named before its message.
absl::Status inFile(const std::string &path, const absl::Status &status);

/// A stream and the machine that a command looks at it with.
struct StreamFile {
  Stream stream;
  Machine machine;
};
/// The stream at `path`, - for stdin; `machine` names another machine than the one in it, or is
/// empty. Fails on what cannot be read.
StreamFile readStreamFile(const std::string &path, const std::string &machine);

void addAsCommand(CLI::App &app);
void addCheckCommand(CLI::App &app);
void addDisCommand(CLI::App &app);
void addConformanceCommand(CLI::App &app);
void addRegistersCommand(CLI::App &app);
void addRunCommand(CLI::App &app);

} // namespace aac::tool

#endif // AAC_SIM_COMMANDS_H
