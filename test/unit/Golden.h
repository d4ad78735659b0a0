//===- Golden.h - where observed vectors lie --------------------*- C++ -*-===//
//
// Tests that read the observed vectors skip themselves where there are none:
//
//   if (!std::filesystem::exists(goldenFile("matmul")))
//     GTEST_SKIP() << noGoldenFiles();
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TEST_UNIT_GOLDEN_H
#define AAC_TEST_UNIT_GOLDEN_H

#include <cstdlib>
#include <filesystem>
#include <string>

namespace aac {

/// golden/ of the folder that AAC_SHARED names, or of ../shared beside the source tree.
inline std::filesystem::path goldenFolder() {
  const char *shared = std::getenv("AAC_SHARED");
  return (shared ? std::filesystem::path(shared)
                 : std::filesystem::path(AAC_SOURCE_DIR) / ".." / "shared") /
         "golden";
}

inline std::filesystem::path goldenFile(const std::string &name) {
  return goldenFolder() / (name + ".jsonl");
}

inline std::string noGoldenFiles() {
  return "no vectors in " + goldenFolder().string() + " (AAC_SHARED names another folder)";
}

} // namespace aac

#endif // AAC_TEST_UNIT_GOLDEN_H
