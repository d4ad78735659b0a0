//===- Machines.h - the machines that come with the project -----*- C++ -*-===//
#ifndef AAC_TEST_UNIT_MACHINES_H
#define AAC_TEST_UNIT_MACHINES_H

#include "aac/Machine/Machine.h"
#include <gtest/gtest.h>

#include <string>

namespace aac {

/// machines/NAME.textproto of the source tree.
inline Machine machineOf(const char *name) {
  absl::StatusOr<Machine> loaded = Machine::load(name, {std::string(AAC_SOURCE_DIR) + "/machines"});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return loaded.ok() ? *loaded : Machine();
}

} // namespace aac

#endif // AAC_TEST_UNIT_MACHINES_H
