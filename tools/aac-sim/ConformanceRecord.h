//===- ConformanceRecord.h - reading records of conformance ------*- C++ -*-===//
//
// What the records of both semantics share: fields of a JSON object, checked, and memory
// images. A record that does not hold what its operation needs throws BadRecord.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_CONFORMANCERECORD_H
#define AAC_SIM_CONFORMANCERECORD_H

#include "aac/Machine/Machine.h"
#include "aac/Sim/Published.h"
#include "absl/strings/string_view.h"
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace aac::tool {

/// A record that does not hold what its operation needs; the message says what.
struct BadRecord {
  std::string message;
};

/// The field `name`, which must be there.
const nlohmann::json &field(const nlohmann::json &record, const char *name);
/// An integer from `low` to `high`; `name` is for the message.
int64_t integerOf(const nlohmann::json &value, const char *name, int64_t low, int64_t high);
/// The same of a field, within int.
int number(const nlohmann::json &record, const char *name, int64_t low, int64_t high);
/// A bias register.
int bias(const nlohmann::json &record, const char *name);
/// A field that is a list of integers.
std::vector<int64_t> integers(const nlohmann::json &record, const char *name, int64_t low,
                              int64_t high);
/// A field that is a string.
std::string text(const nlohmann::json &record, const char *name);
/// A field that says what follows from others, if it is there.
void checkStated(const nlohmann::json &record, const char *name, const nlohmann::json &expected);
/// Text of a record for a message: no control characters, and cut where it is long.
std::string onOneLine(absl::string_view text, size_t most = 80);
/// Two bases.
std::array<int, 2> pair(const nlohmann::json &record, const char *name);
/// A hex string.
std::vector<uint8_t> bytes(const nlohmann::json &record, const char *name);
/// `<prefix>_data_hex` and `<prefix>_mask_hex` from row `row` and word `row` on.
void loadImage(sim::published::Memory &memory, const nlohmann::json &record,
               const std::string &prefix, int row = 0);
/// `aux_hex` from row 0 on.
void loadAux(sim::published::Memories &memories, const nlohmann::json &record);

/// Empty, or where the first difference is.
std::string difference(const char *what, const std::vector<uint8_t> &want,
                       const std::vector<uint8_t> &got);

/// Runs records of `semantics: CORRECTED` (ConformanceCorrected.cpp): each on every set of vector
/// instructions of this CPU that the engine is compiled for, operations by one thread and
/// by three as well as through the registers.
class CorrectedRecords {
public:
  /// Empty, or what differs. Throws BadRecord.
  std::string run(const nlohmann::json &record);
  /// On what the records ran; empty: there were none.
  std::string summary() const;

private:
  std::string runOnce(const nlohmann::json &record);
  std::string runOperation(const nlohmann::json &record, const std::string &op);

  std::optional<Machine> machine;
  std::vector<std::string> targets; ///< names, once a record has run
};

} // namespace aac::tool

#endif // AAC_SIM_CONFORMANCERECORD_H
