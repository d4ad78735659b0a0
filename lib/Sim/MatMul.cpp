//===- MatMul.cpp - decoding operands and multiplying them -----------------===//
//
// Compiled once per SIMD target (Highway's foreach_target), one chosen at run time.
//
//===----------------------------------------------------------------------===//
#include "aac/Sim/Engine.h"

#include "aac/Numerics/Layout.h"
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

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

/// Codes -> significands, `count` a multiple of 256.
void decodeCodes(const uint8_t *codes, size_t count, int16_t *out) {
  const D16 d;
  const DBytes bytes;
  for (size_t i = 0; i < count; i += kLanes16) {
    const V16 code = hn::PromoteTo(d, hn::LoadU(bytes, codes + i));
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
    value = hn::IfThenZeroElse(hn::Eq(magnitude, hn::Zero(d)), value);
    hn::StoreU(value, d, out + i);
  }
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

/// 16x16 accumulators: acc[n1 * 16 + n0] for one row block of each operand.
void multiplyBlock(const int16_t *a, const int16_t *b, size_t kBlocks, int32_t *acc) {
  const D32 d32;
  const D16 d16;
  constexpr size_t vectors = 16 / kLanes32;
  // As many rows at a time as registers hold: 16 sums with AVX-512, 8 else.
  constexpr size_t group = kLanes32 == 16 ? 16 : 8 / vectors ? 8 / vectors : 1;
  for (size_t row = 0; row < 16; row += group) {
    V32 sum[group][vectors];
    for (size_t r = 0; r < group; ++r)
      for (size_t v = 0; v < vectors; ++v)
        sum[r][v] = hn::Zero(d32);
    for (size_t k = 0; k < kBlocks; ++k) {
      for (size_t pair = 0; pair < 8; ++pair) {
        V16 left[vectors];
        for (size_t v = 0; v < vectors; ++v)
          left[v] = hn::LoadU(d16, a + ((k * 8 + pair) * 16 + v * kLanes32) * 2);
        for (size_t r = 0; r < group; ++r) {
          int32_t both;
          std::memcpy(&both, b + (k * 16 + row + r) * 16 + pair * 2, sizeof(both));
          const V16 right = hn::BitCast(d16, hn::Set(d32, both));
          for (size_t v = 0; v < vectors; ++v)
            sum[r][v] = addPairs(left[v], right, sum[r][v]);
        }
      }
    }
    for (size_t r = 0; r < group; ++r)
      for (size_t v = 0; v < vectors; ++v)
        hn::StoreU(sum[r][v], d32, acc + (row + r) * 16 + v * kLanes32);
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
HWY_EXPORT(multiplyBlock);

bool isDense(absl::Span<const uint16_t> mask) {
  uint16_t all = 0xffff;
  for (uint16_t word : mask)
    all &= word;
  return all == 0xffff;
}

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

/// [16 rows][16 k] codes -> [8 k pairs][16 rows][2].
void pairTile(const uint8_t *tile, uint8_t *out) {
  for (int pair = 0; pair < 8; ++pair)
    for (int row = 0; row < 16; ++row)
      std::memcpy(out + (pair * 16 + row) * 2, tile + row * 16 + pair * 2, 2);
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
  if (role == OperandRole::B) {
    HWY_DYNAMIC_DISPATCH(decodeCodes)(codes, size, operand.significands.data());
  } else {
    uint8_t paired[256];
    for (size_t tile = 0; tile < size; tile += 256) {
      pairTile(codes + tile, paired);
      HWY_DYNAMIC_DISPATCH(decodeCodes)(paired, 256, operand.significands.data() + tile);
    }
  }
  operand.maxSumSquares = 0;
  for (int64_t row = 0; row < rows; row += 16)
    HWY_DYNAMIC_DISPATCH(rowSquares)(role, operand.significands.data() + row * columns,
                                     static_cast<size_t>(columns / 16),
                                     operand.sumSquares.data() + row);
  for (int64_t squares : operand.sumSquares)
    operand.maxSumSquares = std::max(operand.maxSumSquares, squares);
}

Counts matmul(const Operand &a, const Operand &b, const MatMulOutput &output,
              absl::Span<uint8_t> out) {
  Counts counts;
  int64_t kBlocks = a.columns / 16;
  bool suspicious = mayOverflow(a.maxSumSquares, b.maxSumSquares);
  int minExponent = output.outBias + kEngineExponentOffset;
  uint32_t bias = output.biasEnable ? static_cast<uint32_t>(output.weightBias) : 0;
  uint8_t *code = out.data(); // block order of C: n1 blocks, n0 blocks, n1, n0
  for (int64_t p = 0; p < b.rows; p += 16) {
    const int16_t *right = b.significands.data() + p * b.columns;
    for (int64_t q = 0; q < a.rows; q += 16) {
      const int16_t *left = a.significands.data() + q * a.columns;
      int32_t acc[256];
      HWY_DYNAMIC_DISPATCH(multiplyBlock)(left, right, static_cast<size_t>(kBlocks), acc);
      if (suspicious)
        for (int i = 0; i < 256; ++i)
          if (mayOverflow(a.sumSquares[q + i % 16], b.sumSquares[p + i / 16]))
            counts.overflows += acc[i] != exactSum(left, right, kBlocks, i % 16, i / 16);
      for (int32_t sum : acc) {
        int32_t x = static_cast<int32_t>(static_cast<uint32_t>(sum >> output.shift) + bias);
        if (output.relu && x < 0)
          x = 0;
        bool saturated = false;
        *code++ = encodeAdaptivFloat8Fixed(x, output.fractionBits, minExponent, &saturated);
        counts.saturations += saturated;
      }
    }
  }
  return counts;
}

} // namespace aac::sim
#endif // HWY_ONCE
