//===- ConformanceRecord.cpp - reading records of conformance --------------===//
#include "ConformanceRecord.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <limits>

namespace aac::tool {

using nlohmann::json;

const json &field(const json &record, const char *name) {
  auto found = record.find(name);
  if (found == record.end())
    throw BadRecord{absl::StrCat("no field '", name, "'")};
  return *found;
}

int64_t integerOf(const json &value, const char *name, int64_t low, int64_t high) {
  constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  bool good =
      value.is_number_unsigned() ? value.get<uint64_t>() <= most : value.is_number_integer();
  if (!good || value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw BadRecord{absl::StrFormat("field '%s' is not an integer from %d to %d", name, low, high)};
  return value.get<int64_t>();
}

int number(const json &record, const char *name, int64_t low, int64_t high) {
  return static_cast<int>(integerOf(field(record, name), name, low, high));
}

int bias(const json &record, const char *name) { return number(record, name, 0, 7); }

std::vector<int64_t> integers(const json &record, const char *name, int64_t low, int64_t high) {
  const json &list = field(record, name);
  if (!list.is_array())
    throw BadRecord{absl::StrCat("field '", name, "' is not a list")};
  std::vector<int64_t> result;
  for (const json &value : list)
    result.push_back(integerOf(value, name, low, high));
  return result;
}

std::string text(const json &record, const char *name) {
  const json &value = field(record, name);
  if (!value.is_string())
    throw BadRecord{absl::StrCat("field '", name, "' is not a string")};
  return value.get<std::string>();
}

void checkStated(const json &record, const char *name, const json &expected) {
  auto stated = record.find(name);
  if (stated != record.end() && *stated != expected)
    throw BadRecord{absl::StrCat("field '", name, "' is not ", expected.dump(),
                                 ", as the record's other fields say")};
}

std::string onOneLine(absl::string_view text, size_t most) {
  std::string line;
  for (char c : text.substr(0, most))
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      absl::StrAppend(&line, "\\x", absl::Hex(c, absl::kZeroPad2));
    else
      line += c;
  while (text.size() > most && !line.empty() && (line.back() & 0xc0) == 0x80)
    line.pop_back(); // not half a character
  return text.size() > most ? line + " ..." : line;
}

std::array<int, 2> pair(const json &record, const char *name) {
  const json &value = field(record, name);
  if (!value.is_array() || value.size() != 2)
    throw BadRecord{absl::StrCat("field '", name, "' is not a pair")};
  return {static_cast<int>(integerOf(value[0], name, 0, 4095)),
          static_cast<int>(integerOf(value[1], name, 0, 4095))};
}

std::vector<uint8_t> bytes(const json &record, const char *name) {
  const json &value = field(record, name);
  bool good = value.is_string();
  std::string hex = good ? value.get<std::string>() : "";
  good = good && hex.size() % 2 == 0 &&
         hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!good)
    throw BadRecord{absl::StrCat("field '", name, "' is not hex")};
  std::string raw = absl::HexStringToBytes(hex);
  return {raw.begin(), raw.end()};
}

void loadImage(sim::published::Memory &memory, const json &record, const std::string &prefix,
               int row) {
  std::vector<uint8_t> data = bytes(record, (prefix + "_data_hex").c_str());
  std::vector<uint8_t> mask = bytes(record, (prefix + "_mask_hex").c_str());
  size_t first = static_cast<size_t>(row);
  if (mask.size() % 2)
    throw BadRecord{absl::StrCat("field '", prefix, "_mask_hex' has half a mask word at its end")};
  if (data.size() % kLanes)
    throw BadRecord{absl::StrCat("field '", prefix, "_data_hex' has part of a row at its end")};
  if (first * kLanes + data.size() > memory.data.size() ||
      first + mask.size() / 2 > memory.mask.size())
    throw BadRecord{absl::StrCat("the image of ", prefix, " does not fit the memory: fields '",
                                 prefix, "_data_hex' and '", prefix, "_mask_hex'")};
  std::copy(data.begin(), data.end(), memory.data.begin() + row * kLanes);
  for (size_t i = 0; i < mask.size(); i += 2)
    memory.mask[first + i / 2] = static_cast<uint16_t>(mask[i] | mask[i + 1] << 8);
}

void loadAux(sim::published::Memories &memories, const json &record) {
  std::vector<uint8_t> aux = bytes(record, "aux_hex");
  if (aux.size() > memories.aux.size())
    throw BadRecord{"the auxiliary image does not fit: field 'aux_hex'"};
  std::copy(aux.begin(), aux.end(), memories.aux.begin());
}

std::string difference(const char *what, const std::vector<uint8_t> &want,
                       const std::vector<uint8_t> &got) {
  if (want.size() != got.size())
    return absl::StrFormat("%s: %d bytes expected, %d computed", what, want.size(), got.size());
  for (size_t i = 0; i < want.size(); ++i)
    if (want[i] != got[i])
      return absl::StrFormat("%s: byte %d is 0x%02x, expected 0x%02x", what, i, got[i], want[i]);
  return "";
}

} // namespace aac::tool
