//===- Codec.cpp - images near their entropy -------------------------------===//
#include "aac/Stream/Codec.h"

#include "ImageLayout.h"
#include "absl/strings/str_cat.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace aac {
namespace {

constexpr size_t kSegment = 1024;
constexpr int kFrequencyBits = 12;
constexpr uint32_t kTotal = 1u << kFrequencyBits;
constexpr uint32_t kLow = 1u << 23; ///< states are in [kLow, 256 * kLow)
constexpr size_t kMaxTables = 8;

using Histogram = std::array<int16_t, 256>; ///< of a segment
/// Frequencies of 4096 in all, and the sum of those before each.
struct Table {
  std::array<uint16_t, 256> frequency{};
  std::array<uint16_t, 257> start{};
  void sum() {
    for (int s = 0; s < 256; ++s)
      start[s + 1] = start[s] + frequency[s];
  }
};

/// Frequencies in proportion to `counts` (not all 0), at least 1 of what occurs.
Table tableOf(const std::array<uint64_t, 256> &counts) {
  uint64_t all = 0;
  for (uint64_t count : counts)
    all += count;
  Table table;
  int64_t left = kTotal;
  for (int s = 0; s < 256; ++s) {
    if (counts[s] == 0)
      continue;
    table.frequency[s] = static_cast<uint16_t>(std::max<uint64_t>(1, counts[s] * kTotal / all));
    left -= table.frequency[s];
  }
  // What is over goes to the most frequent; what is missing comes from there.
  auto most = std::max_element(table.frequency.begin(), table.frequency.end());
  while (left < 0) {
    int64_t taken = std::min<int64_t>(-left, *most - 1);
    *most -= static_cast<uint16_t>(taken);
    left += taken;
    if (left < 0)
      most = std::max_element(table.frequency.begin(), table.frequency.end());
  }
  *most += static_cast<uint16_t>(left);
  table.sum();
  return table;
}

constexpr uint32_t kBit = 256; ///< unit of bitsOf

/// What a table takes for each symbol, in 256ths of a bit; a symbol that it lacks costs more than
/// any other.
std::array<int16_t, 256> bitsOf(const Table &table) {
  std::array<int16_t, 256> bits{};
  for (int s = 0; s < 256; ++s)
    bits[s] =
        table.frequency[s]
            ? static_cast<int16_t>(std::lround(
                  kBit * (kFrequencyBits - std::log2(static_cast<double>(table.frequency[s])))))
            : 2 * kFrequencyBits * kBit;
  return bits;
}

size_t sizeOf(const Table &table) {
  size_t size = 32;
  for (uint16_t frequency : table.frequency)
    size += frequency == 0 ? 0 : frequency > 128 ? 2 : 1;
  return size;
}

/// Tables and the table of each segment.
struct Model {
  std::vector<Table> tables;
  std::vector<uint8_t> choice;
  uint64_t bytes = 0; ///< expected size
};

/// Refines `count` tables from evenly spaced segments on: each segment to the table that
/// suits it, each table to its segments.
Model modelOf(const std::vector<Histogram> &segments, size_t count) {
  constexpr int kRounds = 4;
  Model model;
  model.choice.resize(segments.size());
  for (size_t i = 0; i < segments.size(); ++i)
    model.choice[i] = static_cast<uint8_t>(i * count / segments.size());
  for (int round = 0;; ++round) {
    std::vector<std::array<uint64_t, 256>> sums(count);
    for (size_t i = 0; i < segments.size(); ++i)
      for (int s = 0; s < 256; ++s)
        sums[model.choice[i]][s] += static_cast<uint64_t>(segments[i][s]);
    model.tables.clear();
    std::vector<std::array<int16_t, 256>> bits;
    for (const auto &sum : sums)
      if (std::any_of(sum.begin(), sum.end(), [](uint64_t n) { return n != 0; })) {
        model.tables.push_back(tableOf(sum));
        bits.push_back(bitsOf(model.tables.back()));
      }
    count = model.tables.size();
    uint64_t total = 0;
    bool changed = false;
    for (size_t i = 0; i < segments.size(); ++i) {
      int32_t least = INT32_MAX; // 1024 symbols of 24 bits at most
      uint8_t best = 0;
      for (size_t t = 0; t < bits.size(); ++t) {
        int32_t cost = 0;
        for (int s = 0; s < 256; ++s)
          cost += int32_t{segments[i][s]} * int32_t{bits[t][s]};
        if (cost < least) {
          least = cost;
          best = static_cast<uint8_t>(t);
        }
      }
      total += static_cast<uint64_t>(least);
      changed |= best != model.choice[i];
      model.choice[i] = best;
    }
    if (changed && round < kRounds)
      continue;
    // A segment must find all its symbols in its table: the last choice may be newer than the
    // tables, which then lack some.
    std::vector<std::array<uint64_t, 256>> last(model.tables.size());
    for (size_t i = 0; i < segments.size(); ++i)
      for (int s = 0; s < 256; ++s)
        last[model.choice[i]][s] += static_cast<uint64_t>(segments[i][s]);
    for (size_t t = 0; t < last.size(); ++t)
      if (std::any_of(last[t].begin(), last[t].end(), [](uint64_t n) { return n != 0; }))
        model.tables[t] = tableOf(last[t]);
    model.bytes = total / (8 * kBit) + segments.size() + 10;
    for (const Table &table : model.tables)
      model.bytes += sizeOf(table);
    return model;
  }
}

void appendWord(std::string &out, uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(word >> shift));
}

void appendTable(std::string &out, const Table &table) {
  std::array<uint8_t, 32> present{};
  for (int s = 0; s < 256; ++s)
    if (table.frequency[s])
      present[s / 8] |= static_cast<uint8_t>(1u << (s % 8));
  out.append(present.begin(), present.end());
  for (uint16_t frequency : table.frequency) {
    if (frequency == 0)
      continue;
    unsigned value = frequency - 1u;
    if (value >= 128)
      out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value >= 128 ? value >> 7 : value));
  }
}

absl::Status broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the coded bytes are damaged: ", what));
}

/// Reads from the front of coded bytes.
class Reader {
public:
  explicit Reader(absl::string_view bytes) : bytes(bytes) {}
  bool byte(uint8_t &value) {
    if (bytes.empty())
      return false;
    value = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    return true;
  }
  bool word(uint32_t &value) {
    value = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      uint8_t part = 0;
      if (!byte(part))
        return false;
      value |= uint32_t{part} << shift;
    }
    return true;
  }
  absl::string_view rest() const { return bytes; }
  void skip(size_t count) { bytes.remove_prefix(count); }

private:
  absl::string_view bytes;
};

absl::Status readTable(Reader &reader, Table &table) {
  std::array<uint8_t, 32> present{};
  for (uint8_t &byte : present)
    if (!reader.byte(byte))
      return broken("a table is cut off");
  uint32_t all = 0;
  for (int s = 0; s < 256; ++s) {
    if (!(present[s / 8] >> (s % 8) & 1))
      continue;
    uint8_t low = 0, high = 0;
    if (!reader.byte(low) || (low >= 128 && !reader.byte(high)))
      return broken("a table is cut off");
    uint32_t frequency = (low & 0x7fu) + (uint32_t{high} << 7) + 1;
    if (frequency > kTotal)
      return broken("a frequency is above 4096");
    table.frequency[s] = static_cast<uint16_t>(frequency);
    all += frequency;
  }
  if (all != kTotal)
    return broken("frequencies of a table do not add up to 4096");
  table.sum();
  return absl::OkStatus();
}

/// For each of 4096 slots: the symbol there (8 bits), the slot's place in it (12 bits) and the
/// symbol's frequency less 1 (12 bits).
struct Slots {
  std::array<uint32_t, kTotal> slots;
  explicit Slots(const Table &table) {
    for (uint32_t s = 0; s < 256; ++s)
      for (uint32_t i = 0; i < table.frequency[s]; ++i)
        slots[table.start[s] + i] = s | i << 8 | (table.frequency[s] - 1u) << 20;
  }
};

/// What encoding a symbol needs.
struct Coder {
  uint32_t most = 0; ///< states from here on give off a byte first
  uint32_t frequency = 0, start = 0;
  uint64_t reciprocal = 0; ///< ceil(2^44 / frequency): exact quotients of states below 2^31
};

std::array<Coder, 256> codersOf(const Table &table) {
  std::array<Coder, 256> coders{};
  for (int s = 0; s < 256; ++s)
    if (uint32_t frequency = table.frequency[s])
      coders[s] = {(kLow >> kFrequencyBits) * 256 * frequency, frequency, table.start[s],
                   ((uint64_t{1} << 44) + frequency - 1) / frequency};
  return coders;
}

std::string plain(absl::Span<const uint8_t> bytes) {
  std::string out(1, '\0');
  out.append(bytes.begin(), bytes.end());
  return out;
}

} // namespace

namespace {

std::string encodeSegments(absl::Span<const uint8_t> bytes);
absl::StatusOr<std::vector<uint8_t>> decodeSegments(absl::string_view coded, uint64_t size);

/// The first byte of coded bytes.
enum Method : uint8_t { kPlain, kSegments, kTable, kWeights };

std::string encodeParts(Method method, std::initializer_list<uint32_t> shape,
                        const std::vector<uint8_t> &parts) {
  std::string out(1, static_cast<char>(method));
  for (uint32_t number : shape)
    appendWord(out, number);
  appendWord(out, static_cast<uint32_t>(parts.size()));
  return out + encodeSegments(parts);
}

/// Reads what encodeParts wrote: `shape`, and the parts.
absl::StatusOr<std::vector<uint8_t>> decodeParts(absl::string_view coded,
                                                 std::initializer_list<uint32_t *> shape) {
  Reader reader(coded.substr(1));
  uint32_t size = 0;
  bool whole = true;
  for (uint32_t *number : shape)
    whole = whole && reader.word(*number);
  if (!whole || !reader.word(size))
    return broken("the shape is cut off");
  return decodeSegments(reader.rest(), size);
}

} // namespace

std::string encodeEntropy(absl::Span<const uint8_t> bytes) {
  std::string out;
  if (std::optional<RowTable> table = findTable(bytes))
    out = encodeParts(kTable, {table->rows, table->words}, splitTable(bytes, *table));
  else if (std::optional<WeightLayout> layout = findWeights(bytes))
    out = encodeParts(kWeights, {layout->repetitions, layout->words, layout->tile, layout->row},
                      splitWeights(bytes, *layout));
  else
    return encodeSegments(bytes);
  return out.size() <= bytes.size() ? out : plain(bytes);
}

absl::StatusOr<std::vector<uint8_t>> decodeEntropy(absl::string_view coded, uint64_t size) {
  uint8_t method = coded.empty() ? uint8_t{kPlain} : static_cast<uint8_t>(coded[0]);
  if (method != kTable && method != kWeights)
    return decodeSegments(coded, size);
  RowTable table;
  WeightLayout layout;
  auto parts =
      method == kTable
          ? decodeParts(coded, {&table.rows, &table.words})
          : decodeParts(coded, {&layout.repetitions, &layout.words, &layout.tile, &layout.row});
  if (!parts.ok())
    return parts.status();
  auto bytes =
      method == kTable ? joinTable(*parts, table, size) : joinWeights(*parts, layout, size);
  return bytes.ok() ? std::move(bytes) : broken(bytes.status().message());
}

namespace {

std::string encodeSegments(absl::Span<const uint8_t> bytes) {
  std::vector<Histogram> segments((bytes.size() + kSegment - 1) / kSegment, Histogram{});
  for (size_t i = 0; i < bytes.size(); ++i)
    ++segments[i / kSegment][bytes[i]];
  if (segments.empty())
    return plain(bytes);
  Model model = modelOf(segments, 1);
  for (size_t count = 2; count <= std::min(kMaxTables, segments.size()); count *= 2) {
    Model more = modelOf(segments, count);
    if (more.bytes >= model.bytes)
      break;
    model = std::move(more);
  }
  std::string out;
  out.push_back(1);
  out.push_back(static_cast<char>(model.tables.size() - 1));
  for (const Table &table : model.tables)
    appendTable(out, table);
  out.append(model.choice.begin(), model.choice.end());

  // From the last byte to the first, so that decoding goes forward.
  std::vector<std::array<Coder, 256>> coders;
  coders.reserve(model.tables.size());
  for (const Table &table : model.tables)
    coders.push_back(codersOf(table));
  std::vector<uint8_t> coded(2 * bytes.size() + 16); // a symbol takes 12 bits at most
  uint8_t *front = coded.data() + coded.size();
  uint32_t states[2] = {kLow, kLow};
  for (size_t i = bytes.size(); i-- > 0;) {
    const Coder &coder = coders[model.choice[i / kSegment]][bytes[i]];
    uint32_t state = states[i & 1];
    while (state >= coder.most) {
      *--front = static_cast<uint8_t>(state);
      state >>= 8;
    }
    auto quotient = static_cast<uint32_t>(state * coder.reciprocal >> 44);
    states[i & 1] = (quotient << kFrequencyBits) + state - quotient * coder.frequency + coder.start;
  }
  appendWord(out, states[0]);
  appendWord(out, states[1]);
  out.append(front, coded.data() + coded.size());
  return out.size() <= bytes.size() ? out : plain(bytes);
}

absl::StatusOr<std::vector<uint8_t>> decodeSegments(absl::string_view coded, uint64_t size) {
  Reader reader(coded);
  uint8_t method = 0, more = 0;
  if (!reader.byte(method) || method > 1)
    return broken("the method is unknown");
  if (method == 0) {
    if (reader.rest().size() != size)
      return broken(absl::StrCat(reader.rest().size(), " plain bytes where ", size, " are due"));
    return std::vector<uint8_t>(reader.rest().begin(), reader.rest().end());
  }
  if (!reader.byte(more) || more >= kMaxTables)
    return broken("there are too many tables");
  std::vector<Slots> tables;
  for (int t = 0; t <= more; ++t) {
    Table table;
    if (absl::Status status = readTable(reader, table); !status.ok())
      return status;
    tables.emplace_back(table);
  }
  uint64_t segments = size / kSegment + (size % kSegment != 0);
  if (reader.rest().size() < segments)
    return broken("the tables of segments are cut off");
  absl::string_view choice = reader.rest().substr(0, segments);
  for (char c : choice)
    if (static_cast<uint8_t>(c) > more)
      return broken("a segment has a table that is not there");
  reader.skip(segments);
  uint32_t states[2] = {0, 0};
  for (uint32_t &state : states)
    if (!reader.word(state) || state < kLow || state >= uint64_t{kLow} << 8)
      return broken("a state is out of range");

  std::vector<uint8_t> bytes(size);
  const auto *next = reinterpret_cast<const uint8_t *>(reader.rest().data());
  const uint8_t *end = next + reader.rest().size();
  for (uint64_t segment = 0; segment < segments; ++segment) {
    const uint32_t *slots = tables[static_cast<uint8_t>(choice[segment])].slots.data();
    uint64_t last = std::min(size, (segment + 1) * kSegment);
    for (uint64_t i = segment * kSegment; i < last; ++i) {
      uint32_t &state = states[i & 1];
      uint32_t slot = slots[state & (kTotal - 1)];
      bytes[i] = static_cast<uint8_t>(slot);
      state = ((slot >> 20) + 1) * (state >> kFrequencyBits) + (slot >> 8 & (kTotal - 1));
      while (state < kLow) {
        if (next == end)
          return broken("they end too early");
        state = state << 8 | *next++;
      }
    }
  }
  if (next != end || states[0] != kLow || states[1] != kLow)
    return broken("they do not end where they should");
  return bytes;
}

} // namespace

} // namespace aac
