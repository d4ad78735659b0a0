//===- Commands.h - the subcommands of aac ----------------------*- C++ -*-===//
//
// Each subcommand is a file of its own with one function, `void add<Name>Command(CLI::App &)`
// in namespace aac::tool, that adds it to the application and sets its callback. The
// callback does the work; where it cannot, it calls fail(), which ends the program with
// exit code 1. A new one is listed in CMakeLists.txt; nothing else changes.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TOOLS_AAC_COMMANDS_H
#define AAC_TOOLS_AAC_COMMANDS_H

#include "absl/status/status.h"
#include <CLI/CLI.hpp>
#include <string>

namespace aac::tool {

/// Prints `aac: error: <message>` and leaves the callback with exit code 1.
[[noreturn]] void fail(const absl::Status &status);
[[noreturn]] void fail(const std::string &message);
/// Leaves the callback with exit code 1; the error has been printed already (a diagnostic).
[[noreturn]] void failQuietly();

/// Adds every subcommand (generated from the list in CMakeLists.txt).
void addAllCommands(CLI::App &app);

} // namespace aac::tool

#endif // AAC_TOOLS_AAC_COMMANDS_H
