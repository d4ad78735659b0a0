//===- Cells.cpp - codes in memory cells of one to three bits -------------===//
#include "aac/Numerics/Cells.h"

#include "aac/Numerics/AdaptivFloat.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace aac {
namespace {

constexpr int kCodeBits = 8;
constexpr int kCodes = 1 << kCodeBits;

/// Values of all codes of AdaptivFloat<8,3> with minExponent 0.
const std::array<double, kCodes> &codeValues() {
  static const std::array<double, kCodes> values = [] {
    std::array<double, kCodes> all{};
    for (int code = 0; code < kCodes; ++code)
      all[code] = decodeAdaptivFloat(AdaptivFloatFormat{8, 3}, 0, code);
    return all;
  }();
  return values;
}

/// The level of the cell that holds bits `order[0..bits)` of `code`.
int levelOf(int code, const int *order, int bits) {
  int level = 0;
  for (int i = 0; i < bits; ++i)
    level = level << 1 | (code >> order[i] & 1);
  return level;
}

/// `code` with these bits replaced by those of `level`.
int withLevel(int code, int level, const int *order, int bits) {
  for (int i = 0; i < bits; ++i) {
    int bit = level >> (bits - 1 - i) & 1;
    code = (code & ~(1 << order[i])) | bit << order[i];
  }
  return code;
}

/// Expected squared error from one cell.
double costOfCell(const int *order, int bits, const LevelErrors &errors,
                  absl::Span<const int64_t> histogram) {
  const std::array<double, kCodes> &values = codeValues();
  double cost = 0;
  for (int code = 0; code < kCodes; ++code) {
    if (histogram[code] == 0)
      continue;
    int level = levelOf(code, order, bits);
    double mine = 0;
    for (int step : {-1, 1}) {
      double p = step < 0 ? errors.down[level] : errors.up[level];
      if (p == 0)
        continue;
      double moved = values[withLevel(code, level + step, order, bits)] - values[code];
      mine += p * moved * moved;
    }
    cost += mine * static_cast<double>(histogram[code]);
  }
  return cost;
}

constexpr const char *kBitNames[kCodeBits] = {"m0", "m1", "m2", "m3", "e0", "e1", "e2", "s"};

uint64_t mix(uint64_t z) { // splitmix64
  z += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

} // namespace

LevelErrors LevelErrors::uniform(int bits, double rate) {
  int levels = 1 << bits;
  // 2 (levels - 1) moves, and the mean over the levels is the rate.
  double each = rate * levels / (2.0 * (levels - 1));
  LevelErrors errors{std::vector<double>(levels, each), std::vector<double>(levels, each)};
  errors.down.front() = errors.up.back() = 0;
  return errors;
}

double LevelErrors::mean() const {
  double sum =
      std::accumulate(down.begin(), down.end(), 0.0) + std::accumulate(up.begin(), up.end(), 0.0);
  return down.empty() ? 0 : sum / static_cast<double>(down.size());
}

LevelErrors LevelErrors::scaledTo(double rate) const {
  double now = mean();
  if (now == 0)
    return uniform(std::max(1, static_cast<int>(std::log2(down.size()))), rate);
  LevelErrors scaled = *this;
  for (size_t level = 0; level < down.size(); ++level) {
    double factor = std::min(rate / now, 1 / (down[level] + up[level]));
    scaled.down[level] = down[level] == 0 ? 0 : down[level] * factor;
    scaled.up[level] = up[level] == 0 ? 0 : up[level] * factor;
  }
  return scaled;
}

CellFormat CellFormat::natural(int bitsPerCell, int codeBits) {
  CellFormat format;
  for (int left = codeBits; left > 0; left -= bitsPerCell)
    format.bits.push_back(std::min(left, bitsPerCell));
  for (int bit = codeBits - 1; bit >= 0; --bit)
    format.order.push_back(bit);
  return format;
}

std::string CellFormat::text() const {
  std::string text;
  size_t position = 0;
  for (int width : bits) {
    absl::StrAppend(&text, position == 0 ? "" : " |");
    for (int i = 0; i < width; ++i, ++position)
      absl::StrAppend(&text, position == 0 ? "" : " ", kBitNames[order[position]]);
  }
  return text;
}

std::vector<uint8_t> packCells(absl::Span<const uint8_t> codes, const CellFormat &format) {
  size_t cells = format.cells();
  // One table for all codes: packing is copying.
  std::vector<uint8_t> table(kCodes * cells);
  for (int code = 0; code < kCodes; ++code) {
    const int *order = format.order.data();
    for (size_t cell = 0; cell < cells; ++cell) {
      table[code * cells + cell] = static_cast<uint8_t>(levelOf(code, order, format.bits[cell]));
      order += format.bits[cell];
    }
  }
  std::vector<uint8_t> levels(codes.size() * cells);
  for (size_t i = 0; i < codes.size(); ++i)
    std::copy_n(&table[codes[i] * cells], cells, &levels[i * cells]);
  return levels;
}

absl::StatusOr<std::vector<uint8_t>> unpackCells(absl::Span<const uint8_t> levels,
                                                 const CellFormat &format) {
  size_t cells = format.cells();
  if (cells == 0 || levels.size() % cells != 0)
    return absl::InvalidArgumentError(
        absl::StrCat(levels.size(), " cells are no whole codes of ", cells, " cells"));
  std::vector<uint8_t> codes(levels.size() / cells);
  for (size_t i = 0; i < codes.size(); ++i) {
    int code = 0;
    const int *order = format.order.data();
    for (size_t cell = 0; cell < cells; ++cell) {
      int level = levels[i * cells + cell], width = format.bits[cell];
      if (level >> width != 0)
        return absl::InvalidArgumentError(absl::StrCat("cell ", i * cells + cell, " has level ",
                                                       level, ", it holds ", width, " bits"));
      code = withLevel(code, level, order, width);
      order += width;
    }
    codes[i] = static_cast<uint8_t>(code);
  }
  return codes;
}

double expectedSquaredError(const CellFormat &format, absl::Span<const LevelErrors> errors,
                            absl::Span<const int64_t> histogram) {
  double cost = 0;
  const int *order = format.order.data();
  for (size_t cell = 0; cell < format.cells(); ++cell) {
    cost += costOfCell(order, format.bits[cell], errors[cell], histogram);
    order += format.bits[cell];
  }
  return cost;
}

double sumOfSquares(absl::Span<const int64_t> histogram) {
  double sum = 0;
  for (int code = 0; code < kCodes; ++code)
    sum += codeValues()[code] * codeValues()[code] * static_cast<double>(histogram[code]);
  return sum;
}

CellFormat bestCells(int bitsPerCell, absl::Span<const LevelErrors> errors,
                     absl::Span<const int64_t> histogram) {
  CellFormat format = CellFormat::natural(bitsPerCell, kCodeBits);
  // What each choice of bits costs in each cell; a permutation of the code's bits is a sum of
  // these.
  constexpr int kChoices = kCodeBits * kCodeBits * kCodeBits;
  auto indexOf = [](const int *order, int bits) {
    int index = 0;
    for (int i = 0; i < bits; ++i)
      index = index * kCodeBits + order[i];
    return index;
  };
  std::vector<std::vector<double>> costs(format.cells(), std::vector<double>(kChoices, -1));
  auto costOf = [&](const std::vector<int> &bits) {
    double cost = 0;
    const int *order = bits.data();
    for (size_t cell = 0; cell < format.cells(); ++cell) {
      double &known = costs[cell][indexOf(order, format.bits[cell])];
      if (known < 0)
        known = costOfCell(order, format.bits[cell], errors[cell], histogram);
      cost += known;
      order += format.bits[cell];
    }
    return cost;
  };
  std::vector<int> order = format.order;
  double best = costOf(order);
  // From the natural order, the last permutation, down; rounding does not make a better one.
  while (std::prev_permutation(order.begin(), order.end()))
    if (double cost = costOf(order); cost < best * (1 - 1e-12)) {
      best = cost;
      format.order = order;
    }
  return format;
}

std::vector<LevelErrors> errorsOfCells(const CellFormat &format, const LevelErrors &full) {
  int most = *std::max_element(format.bits.begin(), format.bits.end());
  std::vector<LevelErrors> errors;
  errors.reserve(format.bits.size());
  for (int bits : format.bits)
    errors.push_back(bits == most ? full : LevelErrors::uniform(bits, 0));
  return errors;
}

/// The bits that `order` lists, from 0 up.
static absl::StatusOr<std::vector<int>> parseBits(absl::string_view order) {
  std::vector<int> bits;
  for (absl::string_view name : absl::StrSplit(order, absl::ByAnyChar(" |"), absl::SkipEmpty())) {
    const auto *found = std::find(std::begin(kBitNames), std::end(kBitNames), name);
    if (found != std::end(kBitNames))
      bits.push_back(static_cast<int>(found - std::begin(kBitNames)));
    if (found == std::end(kBitNames) || std::count(bits.begin(), bits.end(), bits.back()) > 1)
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name, "' in the order of bits '", order,
          found == std::end(kBitNames) ? "' is none of best, natural and s e2 e1 e0 m3 m2 m1 m0"
                                       : "' is there twice"));
  }
  if (bits.size() != kCodeBits)
    return absl::InvalidArgumentError(absl::StrCat("the order of bits '", order, "' has ",
                                                   bits.size(), " of the ", kCodeBits,
                                                   " bits s e2 e1 e0 m3 m2 m1 m0"));
  return bits;
}

absl::Status checkCellOrder(absl::string_view order) {
  if (order.empty() || order == "best" || order == "natural")
    return absl::OkStatus();
  return parseBits(order).status();
}

absl::StatusOr<CellFormat> cellFormatOf(absl::string_view order, int bitsPerCell,
                                        const LevelErrors &full,
                                        absl::Span<const int64_t> histogram) {
  CellFormat format = CellFormat::natural(bitsPerCell);
  if (order == "natural")
    return format;
  if (order.empty() || order == "best")
    return bestCells(bitsPerCell, errorsOfCells(format, full), histogram);
  absl::StatusOr<std::vector<int>> bits = parseBits(order);
  if (!bits.ok())
    return bits.status();
  format.order = *std::move(bits);
  return format;
}

int64_t disturbCells(absl::Span<uint8_t> levels, absl::Span<const LevelErrors> errors,
                     uint64_t seed) {
  // Thresholds of a 64-bit draw, so that no platform's arithmetic matters.
  struct Thresholds {
    std::vector<uint64_t> down, either;
  };
  auto threshold = [](double p) {
    return p >= 1 ? ~uint64_t{0} : static_cast<uint64_t>(p * 18446744073709551616.0);
  };
  std::vector<Thresholds> thresholds;
  for (const LevelErrors &error : errors) {
    Thresholds &mine = thresholds.emplace_back();
    for (size_t level = 0; level < error.down.size(); ++level) {
      mine.down.push_back(threshold(error.down[level]));
      mine.either.push_back(threshold(error.down[level] + error.up[level]));
    }
  }
  int64_t wrong = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    const Thresholds &mine = thresholds[i % thresholds.size()];
    uint64_t draw = mix(seed ^ mix(i));
    if (draw >= mine.either[levels[i]])
      continue;
    levels[i] += draw < mine.down[levels[i]] ? -1 : 1;
    ++wrong;
  }
  return wrong;
}

} // namespace aac
