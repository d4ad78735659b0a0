//===- WeightLayout.cpp - images that are tiles of an engine's weight ------===//
#include "ImageLayout.h"

#include "aac/Numerics/Layout.h"
#include "aac/Numerics/WeightTiles.h"
#include <algorithm>
#include <array>
#include <numeric>

namespace aac {
namespace {

constexpr uint64_t kMostRepetitions = 64;
constexpr uint64_t kMostTileWords = 4096;
constexpr uint64_t kMostRowVectors = 257;
/// Tiles have at most so many rows.
constexpr uint64_t kMostTileRows = 64;

using Lanes = std::array<uint64_t, kLanes>;

uint32_t wordAt(absl::Span<const uint8_t> bytes, uint64_t word) {
  return bytes[2 * word] | static_cast<uint32_t>(bytes[2 * word + 1]) << 8;
}

/// Lane of each code of a bias, first to last, in a row.
std::array<int, kLanes> biasLanes(uint64_t row) {
  std::array<int, kLanes> lanes{};
  for (int step = 0; step < kLanes; ++step)
    lanes[step] = biasLane(static_cast<int64_t>(row % kLanes), step);
  return lanes;
}

/// Bit k for the k-th code of a bias whose lanes are those of `mask`.
uint32_t stepsOf(uint32_t mask, uint64_t row) {
  uint32_t steps = 0;
  for (int step = 0; step < kLanes; ++step)
    steps |= (mask >> biasLane(static_cast<int64_t>(row % kLanes), step) & 1) << step;
  return steps;
}

uint32_t maskOf(const uint8_t *vector) {
  uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; ++lane)
    mask |= static_cast<uint32_t>(vector[lane] != 0) << lane;
  return mask;
}

/// The vectors of an image, in order: where their codes are.
class Vectors {
public:
  Vectors(const WeightLayout &layout, uint64_t count)
      : layout(layout), count(count), group(uint64_t{kLanes} * layout.row) {}
  /// Vector `v` is a bias.
  bool isBias(uint64_t v) const { return layout.row != 0 && v % group >= group - kLanes; }
  uint64_t biases() const { return layout.row == 0 ? 0 : count / layout.row; }
  uint64_t weights() const { return count - biases(); }

  const WeightLayout layout;
  const uint64_t count;

private:
  uint64_t group;
};

uint64_t vectorsOf(const WeightLayout &layout, uint64_t size) {
  return layout.words ? uint64_t{layout.repetitions} * layout.words : size / kLanes;
}

/// Where the data of bit-masked tiles lies: the most codes of a lane in each tile, over all
/// repetitions, are its rows.
struct TileData {
  std::vector<uint64_t> offsets; ///< of each tile, from the start of a repetition
  uint64_t stride = 0;           ///< of a repetition

  /// `maskOf(repetition, word)` is a mask.
  template <typename MaskOf> TileData(const WeightLayout &layout, const MaskOf &maskOf) {
    stride = 2 * uint64_t{layout.words};
    for (uint64_t first = 0; first < layout.words; first += layout.tile) {
      offsets.push_back(stride);
      uint64_t rows = 0, end = std::min<uint64_t>(first + layout.tile, layout.words);
      for (uint64_t r = 0; r < layout.repetitions; ++r) {
        Lanes lanes{};
        for (uint64_t word = first; word < end; ++word)
          for (uint32_t mask = maskOf(r, word); mask != 0; mask &= mask - 1)
            ++lanes[__builtin_ctz(mask)];
        rows = std::max(rows, *std::max_element(lanes.begin(), lanes.end()));
      }
      stride += rows * kLanes;
    }
  }
};

/// Calls `fn(vector, mask, place of the code of a lane)` for each bit-masked vector; the place is
/// a function of the lane and must be asked once for each bit, in any order.
template <typename MaskOf, typename Fn>
void forEachMasked(const WeightLayout &layout, const TileData &data, const MaskOf &maskOf, Fn fn) {
  uint64_t vector = 0;
  for (uint64_t r = 0; r < layout.repetitions; ++r) {
    Lanes next{};
    for (uint64_t word = 0; word < layout.words; ++word, ++vector) {
      if (word % layout.tile == 0)
        for (int lane = 0; lane < kLanes; ++lane)
          next[lane] = r * data.stride + data.offsets[word / layout.tile] + lane;
      fn(vector, maskOf(r, word), [&next](int lane) {
        uint64_t at = next[lane];
        next[lane] += kLanes;
        return at;
      });
    }
  }
}

//===----------------------------------------------------------------------===//
// Recognising
//===----------------------------------------------------------------------===//

/// Every vector that would be a bias in rows of `row` vectors looks like one: its codes fill the
/// lanes in the order of splitBias. A mean of 12 or more would be weights.
template <typename MaskOf> bool haveBiases(uint64_t vectors, uint64_t row, const MaskOf &maskOf) {
  uint64_t group = row * kLanes, codes = 0;
  if (row < 2 || vectors == 0 || vectors % group != 0)
    return false;
  for (uint64_t first = group - kLanes; first < vectors; first += group)
    for (uint64_t r = 0; r < kLanes; ++r) {
      uint32_t steps = stepsOf(maskOf(first + r), r);
      if (steps & (steps + 1))
        return false;
      codes += static_cast<uint64_t>(__builtin_popcount(steps));
    }
  return codes > 0 && codes < 12 * (vectors / row);
}

/// How many bits of each lane are set before each eighth word.
class LaneCounts {
public:
  explicit LaneCounts(absl::Span<const uint8_t> bytes) : before(bytes.size() / kLanes + 1) {
    for (size_t i = 0; i + 1 < before.size(); ++i) {
      before[i + 1] = before[i];
      for (uint64_t word = 8 * i; word < 8 * (i + 1); ++word)
        for (uint32_t mask = wordAt(bytes, word), lane = 0; lane < kLanes; ++lane)
          before[i + 1][lane] += mask >> lane & 1;
    }
  }
  /// Of words `first` to `last`, multiples of 8.
  Lanes count(uint64_t first, uint64_t last) const {
    Lanes lanes;
    for (int lane = 0; lane < kLanes; ++lane)
      lanes[lane] = before[last / 8][lane] - before[first / 8][lane];
    return lanes;
  }
  /// Of all lanes together.
  uint64_t sum(uint64_t first, uint64_t last) const {
    Lanes lanes = count(first, last);
    return std::accumulate(lanes.begin(), lanes.end(), uint64_t{0});
  }

private:
  std::vector<std::array<uint32_t, kLanes>> before;
};

/// Looks for bit-masked tiles.
class MaskedFinder {
public:
  explicit MaskedFinder(absl::Span<const uint8_t> bytes) : bytes(bytes), counts(bytes) {}

  std::optional<WeightLayout> find(uint64_t repetitions);

private:
  uint64_t rowsOf(uint64_t first, uint64_t last) const;
  bool dataFits(uint64_t first, uint64_t last, uint64_t data) const;
  bool allDataFits(const WeightLayout &layout) const;
  void findBiases(WeightLayout &layout) const;

  absl::Span<const uint8_t> bytes;
  LaneCounts counts;
  uint64_t repetitions = 0, stride = 0; ///< being tried; bytes of a repetition
};

/// Rows of data of a tile with the masks `first` to `last` of each repetition.
uint64_t MaskedFinder::rowsOf(uint64_t first, uint64_t last) const {
  uint64_t rows = 0;
  for (uint64_t r = 0; r < repetitions; ++r) {
    Lanes lanes = counts.count(r * stride / 2 + first, r * stride / 2 + last);
    rows = std::max(rows, *std::max_element(lanes.begin(), lanes.end()));
  }
  return rows;
}

/// The codes of each lane lie from byte `data` of a repetition on, and nothing follows them: seen
/// from the last code and the first padding of each.
bool MaskedFinder::dataFits(uint64_t first, uint64_t last, uint64_t data) const {
  uint64_t rows = rowsOf(first, last);
  for (uint64_t r = 0; r < repetitions; ++r) {
    uint64_t base = r * stride;
    Lanes lanes = counts.count(base / 2 + first, base / 2 + last);
    for (int lane = 0; lane < kLanes; ++lane) {
      uint64_t end = base + data + lanes[lane] * kLanes + lane;
      if ((lanes[lane] < rows && bytes[end] != 0) ||
          (lanes[lane] > 0 && (bytes[end - kLanes] & 0x7f) == 0))
        return false;
    }
  }
  return true;
}

bool MaskedFinder::allDataFits(const WeightLayout &layout) const {
  uint64_t data = 2 * uint64_t{layout.words};
  for (uint64_t first = 0; first < layout.words; first += layout.tile) {
    uint64_t last = std::min<uint64_t>(first + layout.tile, layout.words);
    if (!dataFits(first, last, data))
      return false;
    data += rowsOf(first, last) * kLanes;
  }
  return true;
}

void MaskedFinder::findBiases(WeightLayout &layout) const {
  auto maskOf = [&](uint64_t v) {
    return wordAt(bytes, v / layout.words * stride / 2 + v % layout.words);
  };
  for (uint64_t rows = kMostTileRows; rows > 0 && layout.row == 0; rows -= kLanes)
    if (layout.tile % rows == 0 &&
        haveBiases(layout.words * repetitions, layout.tile / rows, maskOf))
      layout.row = static_cast<uint32_t>(layout.tile / rows);
}

/// Tries every number of masks and size of a tile with which the data ends where the bytes do.
std::optional<WeightLayout> MaskedFinder::find(uint64_t tried) {
  repetitions = tried;
  stride = bytes.size() / repetitions;
  // Codes fill at least half of what masks leave.
  uint64_t least = 0, most = 0;
  for (uint64_t words = kLanes; 2 * words <= stride; words += kLanes) {
    uint64_t codes = counts.sum(0, words);
    if (2 * words + codes > stride)
      break;
    most = words;
    if (2 * words + 2 * codes + kLanes < stride)
      least = words;
  }
  for (uint64_t tile = kLanes; tile <= std::min(kMostTileWords, most); tile += kLanes) {
    std::vector<uint64_t> before = {0}; // rows of data of so many tiles
    for (uint64_t last = tile; last <= most; last += tile)
      before.push_back(before.back() + rowsOf(last - tile, last));
    // A tile has 16, 32, 48 or 64 rows, the whole a multiple of 16.
    for (uint64_t blocks : {tile % 64 == 0 ? 4 : tile % 32 == 0 ? 2 : 1, 3}) {
      uint64_t block = tile / blocks;
      if (tile % blocks != 0 || block % kLanes != 0)
        continue;
      for (uint64_t words = std::max(tile, (least + block - 1) / block * block); words <= most;
           words += block) {
        uint64_t whole = words / tile;
        if (2 * words + kLanes * before[whole] > stride)
          continue;
        uint64_t rows = before[whole] + rowsOf(whole * tile, words);
        WeightLayout layout{static_cast<uint32_t>(repetitions), static_cast<uint32_t>(words),
                            static_cast<uint32_t>(tile), 0};
        if (2 * words + kLanes * rows != stride || !allDataFits(layout))
          continue;
        findBiases(layout);
        return layout;
      }
    }
  }
  return std::nullopt;
}

} // namespace

std::optional<WeightLayout> findWeights(absl::Span<const uint8_t> bytes) {
  uint64_t vectors = bytes.size() / kLanes;
  if (vectors == 0 || bytes.size() % kLanes != 0 || bytes.size() > UINT32_MAX)
    return std::nullopt;
  std::optional<WeightLayout> found;
  for (uint64_t row = 2; row <= kMostRowVectors && !found; ++row)
    if (haveBiases(vectors, row, [&](uint64_t v) { return maskOf(&bytes[v * kLanes]); }))
      found = WeightLayout{1, 0, 0, static_cast<uint32_t>(row)};
  if (!found) {
    MaskedFinder finder(bytes);
    for (uint64_t count = 1; count <= kMostRepetitions && !found; ++count)
      if (vectors % count == 0)
        found = finder.find(count);
  }
  if (!found)
    return std::nullopt;
  auto again = joinWeights(splitWeights(bytes, *found), *found, bytes.size());
  return again.ok() && absl::MakeConstSpan(*again) == bytes ? found : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Splitting and joining
//===----------------------------------------------------------------------===//

std::vector<uint8_t> splitWeights(absl::Span<const uint8_t> bytes, const WeightLayout &layout) {
  Vectors vectors(layout, vectorsOf(layout, bytes.size()));
  std::vector<uint8_t> parts(2 * vectors.count), codes(bytes.size());
  std::array<std::vector<uint8_t>, kLanes> steps; // of biases
  uint8_t *mask = parts.data(), *code = codes.data();
  uint8_t *biasMask = mask + (layout.words ? 2 * vectors.weights() : 0);
  auto put = [](uint8_t *&out, uint32_t word) {
    *out++ = static_cast<uint8_t>(word);
    *out++ = static_cast<uint8_t>(word >> 8);
  };
  auto bias = [&](uint64_t vector, uint32_t bits, const auto &placeOf) {
    put(biasMask, stepsOf(bits, vector));
    for (int step = 0; step < kLanes; ++step)
      if (int lane = biasLane(static_cast<int64_t>(vector % kLanes), step); bits >> lane & 1)
        steps[step].push_back(bytes[placeOf(lane)]);
  };
  if (layout.words == 0) {
    for (uint64_t v = 0; v < vectors.count; ++v)
      if (vectors.isBias(v))
        bias(v, maskOf(&bytes[v * kLanes]), [v](int lane) { return v * kLanes + lane; });
      else
        code = std::copy_n(&bytes[v * kLanes], kLanes, code);
  } else {
    uint64_t stride = bytes.size() / layout.repetitions;
    auto masks = [&](uint64_t r, uint64_t word) { return wordAt(bytes, r * stride / 2 + word); };
    forEachMasked(layout, TileData(layout, masks), masks,
                  [&](uint64_t v, uint32_t bits, const auto &placeOf) {
                    if (vectors.isBias(v))
                      return bias(v, bits, placeOf);
                    put(mask, bits);
                    for (; bits != 0; bits &= bits - 1)
                      *code++ = bytes[placeOf(__builtin_ctz(bits))];
                  });
  }
  parts.resize(static_cast<size_t>(biasMask - parts.data()));
  parts.insert(parts.end(), codes.data(), code);
  for (const std::vector<uint8_t> &step : steps)
    parts.insert(parts.end(), step.begin(), step.end());
  return parts;
}

absl::StatusOr<std::vector<uint8_t>> joinWeights(absl::Span<const uint8_t> parts,
                                                 const WeightLayout &layout, uint64_t size) {
  auto broken = [] {
    return absl::InvalidArgumentError("masks, codes and size of a weight do not agree");
  };
  if (size > 2 * parts.size() || size % kLanes != 0)
    return broken();
  if (layout.words == 0 ? layout.row < 2
                        : layout.tile == 0 || layout.row == 1 || layout.repetitions == 0 ||
                              layout.repetitions > parts.size() / 2 / layout.words)
    return absl::InvalidArgumentError("the shape of a weight is none");
  Vectors vectors(layout, vectorsOf(layout, size));
  if (layout.row != 0 && vectors.count % (uint64_t{kLanes} * layout.row) != 0)
    return broken();

  // Where the masks are, and of how many codes.
  uint64_t biases = vectors.biases(), weights = vectors.weights();
  uint64_t biasMasks = layout.words ? 2 * weights : 0, next = biasMasks + 2 * biases;
  if (next > parts.size())
    return broken();
  std::array<uint64_t, kLanes> steps{}; // first how many, then where
  for (uint64_t b = 0; b < biases; ++b)
    for (uint32_t mask = wordAt(parts.subspan(biasMasks), b); mask != 0; mask &= mask - 1)
      ++steps[__builtin_ctz(mask)];
  uint64_t codes = 0;
  for (uint64_t at = 0; at < biasMasks; ++at)
    codes += static_cast<uint64_t>(__builtin_popcount(parts[at]));
  if (layout.words == 0)
    codes = weights * kLanes;
  uint64_t end = next + codes;
  for (uint64_t &step : steps) {
    uint64_t count = step;
    step = end;
    end += count;
  }
  if (end != parts.size())
    return broken();

  std::vector<uint8_t> bytes;
  auto bias = [&](uint64_t vector, uint32_t mask, const auto &placeOf) {
    std::array<int, kLanes> lanes = biasLanes(vector);
    for (; mask != 0; mask &= mask - 1) {
      int step = __builtin_ctz(mask);
      bytes[placeOf(lanes[step])] = parts[steps[step]++];
    }
  };
  uint64_t biasNumber = 0;
  if (layout.words == 0) {
    bytes.assign(size, 0);
    for (uint64_t v = 0; v < vectors.count; ++v)
      if (vectors.isBias(v)) {
        bias(v, wordAt(parts.subspan(biasMasks), biasNumber++),
             [v](int lane) { return v * kLanes + lane; });
      } else {
        std::copy_n(parts.begin() + next, kLanes, bytes.begin() + v * kLanes);
        next += kLanes;
      }
    return bytes;
  }

  // Masks as the engine has them, biases' too.
  std::vector<uint16_t> masks(vectors.count);
  uint64_t weightNumber = 0;
  for (uint64_t v = 0; v < vectors.count; ++v) {
    if (!vectors.isBias(v)) {
      masks[v] = static_cast<uint16_t>(wordAt(parts, weightNumber++));
      continue;
    }
    std::array<int, kLanes> lanes = biasLanes(v);
    uint32_t mask = wordAt(parts.subspan(biasMasks), biasNumber++);
    for (; mask != 0; mask &= mask - 1)
      masks[v] |= static_cast<uint16_t>(1u << lanes[__builtin_ctz(mask)]);
  }
  auto maskOf = [&](uint64_t r, uint64_t word) -> uint32_t {
    return masks[r * layout.words + word];
  };
  TileData data(layout, maskOf);
  if (data.stride * layout.repetitions != size)
    return broken();
  bytes.assign(size, 0);
  forEachMasked(layout, data, maskOf, [&](uint64_t v, uint32_t mask, const auto &placeOf) {
    uint64_t word = v / layout.words * data.stride + v % layout.words * 2;
    bytes[word] = static_cast<uint8_t>(mask);
    bytes[word + 1] = static_cast<uint8_t>(mask >> 8);
    if (vectors.isBias(v))
      return bias(v, stepsOf(mask, v), placeOf);
    for (; mask != 0; mask &= mask - 1)
      bytes[placeOf(__builtin_ctz(mask))] = parts[next++];
  });
  return bytes;
}

} // namespace aac
