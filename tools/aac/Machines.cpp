//===- Machines.cpp - aac machines: list, show, check ---------------------===//
#include "Commands.h"

#include "aac/Machine/Machine.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <iostream>
#include <memory>

namespace aac::tool {
namespace {

void listAll() {
  std::vector<std::string> names = listMachines(defaultMachinePath());
  size_t width = 0;
  for (const std::string &name : names)
    width = std::max(width, name.size());
  for (const std::string &name : names) {
    absl::StatusOr<Machine> machine = Machine::load(name, defaultMachinePath());
    std::string text = machine.ok() ? machine->description
                                    : absl::StrFormat("does not load: %s",
                                                      std::string(machine.status().message()));
    std::cout << absl::StrFormat("%-*s  %s\n", width, name, text);
  }
}

Machine loadOrFail(const std::string &nameOrPath) {
  absl::StatusOr<Machine> machine = Machine::load(nameOrPath, defaultMachinePath());
  if (!machine.ok())
    fail(machine.status());
  return *std::move(machine);
}

void check(const std::string &file) {
  Machine machine = loadOrFail(file);
  std::cout << absl::StrFormat("%s: ok: machine %s, profile %s, %d tiers, %d operating points, "
                               "hash %016x\n",
                               file, machine.name, machine.profile, machine.tiers.size(),
                               machine.points.size(), machine.hash());
}

} // namespace

void addMachinesCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand("machines", "The machines that suites are compiled for");
  command->require_subcommand(1);
  command->footer("A machine is a name (a file NAME.textproto in a directory of $AAC_MACHINES, or "
                  "one that comes with aac) or a path.");

  command->add_subcommand("list", "Print the machines known by name")->callback(listAll);

  CLI::App *show = command->add_subcommand("show", "Print a machine, and where its numbers "
                                                   "come from");
  auto shown = std::make_shared<std::string>();
  auto resolved = std::make_shared<bool>(false);
  show->add_option("machine", *shown, "Name or path")->required();
  show->add_flag("--resolved", *resolved,
                 "Print the whole description as a machine file, inheritance resolved");
  show->callback([shown, resolved] {
    Machine machine = loadOrFail(*shown);
    std::cout << (*resolved ? machine.text() : describeMachine(machine));
  });

  CLI::App *checked = command->add_subcommand("check", "Load a machine file and say what is "
                                                       "wrong with it");
  auto file = std::make_shared<std::string>();
  checked->add_option("file", *file, "Name or path")->required();
  checked->callback([file] { check(*file); });
}

} // namespace aac::tool
