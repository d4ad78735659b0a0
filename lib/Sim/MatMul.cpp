//===- MatMul.cpp - decoding operands and multiplying them -----------------===//
//
// Compiled once per SIMD target (Highway's foreach_target), one chosen at run time. All
// give the same bytes: integers, added modulo 2^32.
//
//===----------------------------------------------------------------------===//
#include "aac/Sim/Engine.h"

#include "OutputSteps.h"
#include "aac/Numerics/Layout.h"
#include "aac/Sim/ThreadPool.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <limits>
#include <numeric>

// Vectors of unknown length cannot be kept in arrays; those targets use the baseline.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "MatMul.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace aac::sim {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::CappedTag<int32_t, 16>;
using D16 = hn::Repartition<int16_t, D32>;
using DBytes = hn::Rebind<uint8_t, D16>;
using V32 = hn::Vec<D32>;
using V16 = hn::Vec<D16>;
constexpr size_t kLanes32 = hn::MaxLanes(D32());
constexpr size_t kLanes16 = 2 * kLanes32;

/// sum + x[2i] * y[2i] + x[2i+1] * y[2i+1] in each int32 lane i, modulo 2^32.
HWY_INLINE V32 addPairs(V16 x, V16 y, V32 sum) {
  const D32 d32;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::ReorderWidenMulAccumulate(d32, x, y, sum, sum); // pmaddwd: pairs stay together
#else
  const V32 x32 = hn::BitCast(d32, x), y32 = hn::BitCast(d32, y);
  const V32 even = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(x32)),
                           hn::ShiftRight<16>(hn::ShiftLeft<16>(y32)));
  const V32 odd = hn::Mul(hn::ShiftRight<16>(x32), hn::ShiftRight<16>(y32));
  return hn::Add(sum, hn::Add(even, odd));
#endif
}

/// Significands of codes.
HWY_INLINE V16 significandsOf(V16 code) {
  const D16 d;
  const V16 magnitude = hn::And(code, hn::Set(d, 0x7f));
  V16 value = hn::Add(hn::And(code, hn::Set(d, 15)), hn::Set(d, 16));
  // Multiply by 2^E, E the three exponent bits, one bit at a time.
  const auto shiftIf = [&](int bit, V16 shifted) {
    const auto has = hn::Ne(hn::And(code, hn::Set(d, static_cast<int16_t>(bit))), hn::Zero(d));
    value = hn::IfThenElse(has, shifted, value);
  };
  shiftIf(0x10, hn::ShiftLeft<1>(value));
  shiftIf(0x20, hn::ShiftLeft<2>(value));
  shiftIf(0x40, hn::ShiftLeft<4>(value));
  const V16 sign = hn::ShiftRight<15>(hn::ShiftLeft<8>(code));
  value = hn::Sub(hn::Xor(value, sign), sign);
  return hn::IfThenZeroElse(hn::Eq(magnitude, hn::Zero(d)), value);
}

/// Codes -> significands, `count` a multiple of 256.
void decodeCodes(const uint8_t *codes, size_t count, int16_t *out) {
  const D16 d;
  const DBytes bytes;
  for (size_t i = 0; i < count; i += kLanes16)
    hn::StoreU(significandsOf(hn::PromoteTo(d, hn::LoadU(bytes, codes + i))), d, out + i);
}

/// Sums of squares of the 16 rows of a row block. A: lane pairs are a row's; B: so are
/// all lanes of a vector.
void rowSquares(OperandRole role, const int16_t *block, size_t kBlocks, int64_t *rows) {
  const D32 d32;
  const D16 d16;
  std::fill(rows, rows + 16, 0);
  // A 32-bit lane of one tile gets at most 8 * 2 * 3968^2 < 2^28: widen every 4 tiles.
  for (size_t first = 0; first < kBlocks; first += 4) {
    size_t last = std::min(kBlocks, first + 4);
    if (role == OperandRole::A) {
      for (size_t part = 0; part < 16; part += kLanes32) {
        V32 sum = hn::Zero(d32);
        for (size_t pair = first * 8; pair < last * 8; ++pair) {
          const V16 v = hn::LoadU(d16, block + (pair * 16 + part) * 2);
          sum = addPairs(v, v, sum);
        }
        int32_t lanes[kLanes32];
        hn::StoreU(sum, d32, lanes);
        for (size_t i = 0; i < kLanes32; ++i)
          rows[part + i] += lanes[i];
      }
    } else {
      for (size_t row = 0; row < 16; ++row) {
        // At most 16 int16 lanes at a time: one row of the tile.
        const hn::CappedTag<int32_t, 8> row32;
        const hn::Repartition<int16_t, decltype(row32)> row16;
        auto sum = hn::Zero(row32);
        for (size_t k = first; k < last; ++k)
          for (size_t lane = 0; lane < 16; lane += hn::Lanes(row16)) {
            const auto v = hn::LoadU(row16, block + (k * 16 + row) * 16 + lane);
            const auto wide = hn::BitCast(row32, v);
            const auto even = hn::ShiftRight<16>(hn::ShiftLeft<16>(wide));
            const auto odd = hn::ShiftRight<16>(wide);
            sum = hn::Add(sum, hn::Add(hn::Mul(even, even), hn::Mul(odd, odd)));
          }
        int32_t lanes[8];
        hn::StoreU(sum, row32, lanes);
        for (size_t i = 0; i < hn::Lanes(row32); ++i)
          rows[row] += lanes[i];
      }
    }
  }
}

/// kVectors * kLanes32 rows of A against 16 rows of B: acc[n1 * stride + n0]. `aStride`
/// int16 lie between row blocks of A. Each sum stays in a register.
template <size_t kVectors, size_t kGroup>
HWY_INLINE void multiplyRows(const int16_t *a, size_t aStride, const int16_t *b, size_t kBlocks,
                             int32_t *acc, size_t stride) {
  const D32 d32;
  const D16 d16;
  constexpr size_t perBlock = 16 / kLanes32; // vectors of a row block
  for (size_t row = 0; row < 16; row += kGroup) {
    V32 sum[kGroup][kVectors];
    for (size_t r = 0; r < kGroup; ++r)
      for (size_t v = 0; v < kVectors; ++v)
        sum[r][v] = hn::Zero(d32);
    for (size_t k = 0; k < kBlocks; ++k) {
      for (size_t pair = 0; pair < 8; ++pair) {
        V16 left[kVectors];
        for (size_t v = 0; v < kVectors; ++v)
          left[v] = hn::LoadU(d16, a + v / perBlock * aStride +
                                       ((k * 8 + pair) * 16 + v % perBlock * kLanes32) * 2);
        for (size_t r = 0; r < kGroup; ++r) {
          int32_t both;
          std::memcpy(&both, b + (k * 16 + row + r) * 16 + pair * 2, sizeof(both));
          const V16 right = hn::BitCast(d16, hn::Set(d32, both));
          for (size_t v = 0; v < kVectors; ++v)
            sum[r][v] = addPairs(left[v], right, sum[r][v]);
        }
      }
    }
    for (size_t r = 0; r < kGroup; ++r)
      for (size_t v = 0; v < kVectors; ++v)
        hn::StoreU(sum[r][v], d32, acc + (row + r) * stride + v * kLanes32);
  }
}

/// Row blocks of A that multiplyBlocks takes at a time.
constexpr size_t kBlocksOfA = kLanes32 == 16 ? 2 : 1;

/// acc[block of A][n1 * 16 + n0]: `count` (1 or 2) row blocks of A with one of B.
void multiplyBlocks(const int16_t *a, size_t aStride, size_t count, const int16_t *b,
                    size_t kBlocks, int32_t *acc) {
  constexpr size_t perBlock = 16 / kLanes32;
  constexpr size_t group = kLanes32 == 16 ? 8 : 8 / perBlock ? 8 / perBlock : 1;
  if (kBlocksOfA == 2 && count == 2) {
    int32_t both[16 * 32];
    multiplyRows<2 * perBlock, group>(a, aStride, b, kBlocks, both, 32);
    for (size_t n1 = 0; n1 < 16; ++n1)
      for (size_t block = 0; block < 2; ++block)
        std::memcpy(acc + block * 256 + n1 * 16, both + n1 * 32 + block * 16, 64);
    return;
  }
  for (size_t block = 0; block < count; ++block)
    multiplyRows<perBlock, 2 * group>(a + block * aStride, aStride, b, kBlocks, acc + block * 256,
                                      16);
}

/// What follows the accumulator, of `count` sums (a multiple of 16); see docs/engine-arithmetic.md.
/// As encodeAdaptivFloat8Fixed, but through f32: its exponent and mantissa in a row are a
/// code but for bias and rounding. What does not fit its 24 bits is kept as a sticky bit.
/// Returns the number of saturated results.
int64_t encodeSums(const int32_t *sums, size_t count, const OutputSteps &steps, uint8_t *codes) {
  const D32 d;
  const hn::Rebind<float, D32> df;
  const hn::Rebind<uint8_t, D32> bytes;
  const int32_t exponent = steps.minExponent + steps.fractionBits + 127;
  const auto base = hn::Set(d, exponent << 23), bias = hn::Set(d, steps.bias);
  const auto halfMin = hn::Set(d, ((exponent - 1) << 23) | (1 << 19)); // 17/32 * 2^minExponent
  const auto max = hn::Set(d, ((exponent + 7) << 23) | (15 << 19));    // 31/16 * 2^(.. + 7)
  const auto one = hn::Set(d, 1), low = hn::Set(d, 0xff);
  int64_t saturated = 0;
  for (size_t i = 0; i < count; i += kLanes32) {
    auto x = hn::LoadU(d, sums + i);
    for (int bit = 0; bit < 5; ++bit) // no shift by a variable that is the same everywhere
      if (steps.shift >> bit & 1)
        x = bit == 0   ? hn::ShiftRight<1>(x)
            : bit == 1 ? hn::ShiftRight<2>(x)
            : bit == 2 ? hn::ShiftRight<4>(x)
            : bit == 3 ? hn::ShiftRight<8>(x)
                       : hn::ShiftRight<16>(x);
    x = hn::Add(x, bias);
    if (steps.relu)
      x = hn::Max(x, hn::Zero(d));
    const auto magnitude = hn::Abs(x);
    const auto sticky = hn::IfThenElse(hn::Gt(hn::And(magnitude, low), hn::Zero(d)),
                                       hn::Set(d, 0x100), hn::Zero(d));
    const auto large = hn::Or(hn::Lt(magnitude, hn::Zero(d)), // -2^31
                              hn::Gt(magnitude, hn::Set(d, 0xffffff)));
    const auto exact = hn::IfThenElse(large, hn::Or(hn::AndNot(low, magnitude), sticky), magnitude);
    const auto real = hn::And(hn::BitCast(d, hn::ConvertTo(df, exact)), hn::Set(d, 0x7fffffff));
    const auto odd = hn::And(hn::ShiftRight<19>(real), one);
    auto code =
        hn::ShiftRight<19>(hn::Add(hn::Sub(real, base), hn::Add(odd, hn::Set(d, (1 << 18) - 1))));
    code = hn::Max(code, one);
    const auto over = hn::Gt(real, max);
    code = hn::IfThenElse(over, hn::Set(d, 0x7f), code);
    code = hn::Or(code, hn::And(hn::ShiftRight<24>(x), hn::Set(d, 0x80)));
    code = hn::IfThenZeroElse(hn::Lt(real, halfMin), code);
    saturated += static_cast<int64_t>(hn::CountTrue(d, over));
    hn::StoreU(hn::DemoteTo(bytes, code), bytes, codes + i);
  }
  return saturated;
}

/// [16 rows][16 k] codes -> [8 k pairs][16 rows][2].
void pairTiles(const uint8_t *tiles, size_t count, uint8_t *out) {
  for (size_t tile = 0; tile < count; ++tile, tiles += 256, out += 256) {
    uint16_t from[16][8], to[8][16];
    std::memcpy(from, tiles, sizeof(from));
    for (int pair = 0; pair < 8; ++pair)
      for (int row = 0; row < 16; ++row)
        to[pair][row] = from[row][pair];
    std::memcpy(out, to, sizeof(to));
  }
}

/// Words of the special function unit: significand << bias, `count` a multiple of 16.
void decodeWords(const uint8_t *codes, size_t count, int bias, int32_t *words) {
  const D16 d16;
  const DBytes bytes;
  const hn::Half<D16> half;
  const D32 d32;
  int16_t significands[kLanes16];
  (void)bytes;
  for (size_t i = 0; i < count; i += kLanes16) {
    const size_t here = std::min(count - i, kLanes16);
    uint8_t padded[kLanes16] = {};
    std::memcpy(padded, codes + i, here);
    hn::StoreU(significandsOf(hn::PromoteTo(d16, hn::LoadU(bytes, padded))), d16, significands);
    const auto factor = hn::Set(d32, 1 << bias);
    for (size_t j = 0; j < here; j += kLanes32)
      hn::StoreU(hn::Mul(hn::PromoteTo(d32, hn::LoadU(half, significands + j)), factor), d32,
                 words + i + j);
  }
}

} // namespace HWY_NAMESPACE
} // namespace aac::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aac::sim {
namespace {

HWY_EXPORT(decodeCodes);
HWY_EXPORT(rowSquares);
HWY_EXPORT(multiplyBlocks);
HWY_EXPORT(encodeSums);
HWY_EXPORT(pairTiles);
HWY_EXPORT(decodeWords);

/// Lane-compacted data -> one code per lane of each vector. `data` has a readable row
/// after its last: that is where a lane that has run out looks. A few lanes at a time, so
/// that their positions stay in registers.
void expand(absl::Span<const uint16_t> mask, const uint8_t *data, uint8_t *vectors) {
  constexpr int group = 4;
  for (int first = 0; first < kLanes; first += group) {
    const uint8_t *next[group];
    for (int i = 0; i < group; ++i)
      next[i] = data + first + i;
    uint8_t *out = vectors + first;
    for (uint16_t word : mask) {
      for (int i = 0; i < group; ++i) {
        size_t has = (word >> (first + i)) & 1;
        out[i] = static_cast<uint8_t>(*next[i] & (0 - has));
        next[i] += has * kLanes;
      }
      out += kLanes;
    }
  }
}

/// How many vectors of each 16 columns are zeros, of codes in block order.
void countNulls(const uint8_t *codes, int64_t rows, int64_t columns, std::vector<int64_t> &nulls) {
  constexpr uint64_t kMagnitudes = 0x7f7f7f7f7f7f7f7f; // 0x80 is zero, too
  nulls.assign(static_cast<size_t>(columns / kLanes), 0);
  for (int64_t block = 0; block < rows / kLanes; ++block)
    for (int64_t &null : nulls)
      for (int row = 0; row < kLanes; ++row, codes += kLanes) {
        uint64_t halves[2];
        std::memcpy(halves, codes, sizeof(halves));
        null += ((halves[0] | halves[1]) & kMagnitudes) == 0;
      }
}

int64_t exactSum(const int16_t *a, const int16_t *b, int64_t kBlocks, int n0, int n1) {
  int64_t sum = 0;
  for (int64_t k = 0; k < kBlocks; ++k)
    for (int lane = 0; lane < 16; ++lane)
      sum +=
          int64_t{a[((k * 8 + lane / 2) * 16 + n0) * 2 + lane % 2]} * b[(k * 16 + n1) * 16 + lane];
  return sum;
}

/// By Cauchy and Schwarz |sum a*b|^2 <= |a|^2 * |b|^2; no overflow below (2^31 - 1)^2.
bool mayOverflow(int64_t squaresA, int64_t squaresB) {
  constexpr int64_t max = std::numeric_limits<int32_t>::max();
  return squaresB != 0 && squaresA > max * max / squaresB;
}

} // namespace

bool isDense(absl::Span<const uint16_t> mask) {
  uint16_t all = 0xffff;
  for (uint16_t word : mask)
    all &= word;
  return all == 0xffff;
}

int64_t dataRowsOf(absl::Span<const uint16_t> mask) {
  if (isDense(mask))
    return static_cast<int64_t>(mask.size());
  int64_t longest = 0;
  std::array<int64_t, kLanes> count{};
  for (uint16_t word : mask)
    for (int lane = 0; lane < kLanes; ++lane)
      count[lane] += (word >> lane) & 1;
  for (int64_t lane : count)
    longest = std::max(longest, lane);
  return longest;
}

void decodeOperand(OperandRole role, int64_t rows, int64_t columns, absl::Span<const uint16_t> mask,
                   absl::Span<const uint8_t> data, Operand &operand) {
  size_t size = static_cast<size_t>(rows * columns);
  operand.role = role;
  operand.rows = rows;
  operand.columns = columns;
  operand.significands.resize(size);
  operand.sumSquares.resize(static_cast<size_t>(rows));

  const uint8_t *codes = data.data();
  std::vector<uint8_t> expanded;
  if (!isDense(mask)) {
    expanded.resize(size);
    std::vector<uint8_t> padded(data.begin(), data.end());
    padded.resize(data.size() + kLanes);
    expand(mask, padded.data(), expanded.data());
    codes = expanded.data();
  }
  countNulls(codes, rows, columns, operand.nullVectors);
  if (role == OperandRole::B) {
    HWY_DYNAMIC_DISPATCH(decodeCodes)(codes, size, operand.significands.data());
  } else {
    std::vector<uint8_t> paired(size);
    HWY_DYNAMIC_DISPATCH(pairTiles)(codes, size / 256, paired.data());
    HWY_DYNAMIC_DISPATCH(decodeCodes)(paired.data(), size, operand.significands.data());
  }
  operand.maxSumSquares = 0;
  for (int64_t row = 0; row < rows; row += 16)
    HWY_DYNAMIC_DISPATCH(rowSquares)(role, operand.significands.data() + row * columns,
                                     static_cast<size_t>(columns / 16),
                                     operand.sumSquares.data() + row);
  for (int64_t squares : operand.sumSquares)
    operand.maxSumSquares = std::max(operand.maxSumSquares, squares);
}

int64_t Operand::allNullVectors() const {
  return std::accumulate(nullVectors.begin(), nullVectors.end(), int64_t{0});
}

int64_t gatedProducts(const Operand &a, const Operand &b) {
  int64_t gated = 0;
  for (size_t k = 0; k < a.nullVectors.size(); ++k)
    gated += a.rows * b.rows - (a.rows - a.nullVectors[k]) * (b.rows - b.nullVectors[k]);
  return gated;
}

Counts matmul(const Operand &a, const Operand &b, const MatMulOutput &output,
              absl::Span<uint8_t> out, ThreadPool *pool) {
  const size_t kBlocks = static_cast<size_t>(a.columns / 16);
  const bool suspicious = mayOverflow(a.maxSumSquares, b.maxSumSquares);
  OutputSteps steps;
  steps.shift = output.shift;
  steps.bias = output.biasEnable ? output.weightBias : 0;
  steps.relu = output.relu;
  steps.minExponent = output.outBias + kEngineExponentOffset;
  steps.fractionBits = output.fractionBits;

  // A piece of work: one row block of B with two of A. Codes are in block order of C: n1
  // blocks, n0 blocks, n1, n0.
  const int64_t aBlocks = a.rows / 16, pairs = (aBlocks + 1) / 2;
  std::atomic<int64_t> overflows{0}, saturations{0};
  auto work = [&](int64_t first, int64_t last) {
    int64_t overflowed = 0, saturated = 0;
    for (int64_t piece = first; piece < last; ++piece) {
      int64_t p = piece / pairs * 16, q = piece % pairs * 2;
      int64_t count = std::min<int64_t>(2, aBlocks - q);
      const int16_t *right = b.significands.data() + p * b.columns;
      const int16_t *left = a.significands.data() + q * 16 * a.columns;
      alignas(64) int32_t acc[512];
      HWY_DYNAMIC_DISPATCH(multiplyBlocks)
      (left, static_cast<size_t>(16 * a.columns), static_cast<size_t>(count), right, kBlocks, acc);
      if (suspicious)
        for (int64_t i = 0; i < count * 256; ++i) {
          int n0 = static_cast<int>(i % 16), n1 = static_cast<int>(i % 256 / 16);
          int64_t block = i / 256;
          if (mayOverflow(a.sumSquares[(q + block) * 16 + n0], b.sumSquares[p + n1]))
            overflowed += acc[i] != exactSum(left + block * 16 * a.columns, right,
                                             static_cast<int64_t>(kBlocks), n0, n1);
        }
      saturated += HWY_DYNAMIC_DISPATCH(encodeSums)(acc, static_cast<size_t>(count * 256), steps,
                                                    out.data() + p * a.rows + q * 256);
    }
    overflows += overflowed;
    saturations += saturated;
  };
  int64_t pieces = b.rows / 16 * pairs;
  // Less than this is done sooner than another thread has woken up.
  constexpr int64_t kWorthSharing = 1 << 20;
  if (pool && a.rows * b.rows * a.columns >= kWorthSharing)
    pool->run(pieces, work);
  else
    work(0, pieces);
  Counts counts;
  counts.overflows = overflows;
  counts.saturations = saturations;
  return counts;
}

//===----------------------------------------------------------------------===//
// Words of the special function unit
//===----------------------------------------------------------------------===//

void sfuWords(absl::Span<const uint8_t> codes, int bias, absl::Span<int32_t> words) {
  HWY_DYNAMIC_DISPATCH(decodeWords)(codes.data(), codes.size(), bias, words.data());
}

void sfuCodes(absl::Span<const int32_t> words, int bias, absl::Span<uint8_t> codes,
              Counts &counts) {
  OutputSteps steps;
  steps.minExponent = bias + kEngineExponentOffset;
  steps.fractionBits = kSfuFractionBits;
  counts.saturations +=
      HWY_DYNAMIC_DISPATCH(encodeSums)(words.data(), words.size(), steps, codes.data());
}

} // namespace aac::sim
#endif // HWY_ONCE
