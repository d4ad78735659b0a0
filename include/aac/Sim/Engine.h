//===- Engine.h - the engine's arithmetic, to the bit -----------*- C++ -*-===//
//
// The operations of the CORRECTED engine on decoded operands, in integers alone. What
// each computes is specified in docs/engine-arithmetic.md; this is its implementation.
// Memories, addresses and errors are the simulator's business (Simulator.h).
//
// Matmul works on significands: code = significand * 2^(minExponent - 4), |significand|
// <= 3968, so a product has 24 bits and sixteen bits a factor suffice. The inner loop
// multiplies pairs of int16 and adds them into int32 lanes, chosen at run time for
// AVX-512, AVX2 or the baseline. Integer addition modulo 2^32 is associative: every
// target gives the same bytes.
//
// The special function unit (SFU) works on words: signed, 20 bits, 14 of them fraction.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_ENGINE_H
#define AAC_SIM_ENGINE_H

#include "aac/Numerics/AdaptivFloat.h"
#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac::sim {

class ThreadPool;

/// What can go wrong numerically, counted per operation.
struct Counts {
  int64_t saturations = 0; ///< results beyond the largest code
  int64_t overflows = 0;   ///< true sums outside the accumulator
  Counts &operator+=(const Counts &other) {
    saturations += other.saturations;
    overflows += other.overflows;
    return *this;
  }
};

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

/// Which operand of C[n1][n0] = sum_k B[n1][k] * A[n0][k].
enum class OperandRole { A, B };

/// A matmul operand, decoded. Internal order: A as [row block][k block][k pair][row][2],
/// B in block order.
struct Operand {
  OperandRole role = OperandRole::A;
  int64_t rows = 0, columns = 0; ///< multiples of 16
  std::vector<int16_t> significands;
  std::vector<int64_t> sumSquares; ///< per row, of the significands
  int64_t maxSumSquares = 0;
  std::vector<int64_t> nullVectors; ///< per 16 columns: how many rows are zeros there

  int64_t vectors() const { return rows * columns / 16; }
  int64_t allNullVectors() const;
};

/// Whether these mask words store every lane.
bool isDense(absl::Span<const uint16_t> mask);

/// Rows of 16 bytes that vectors with these mask words occupy: the longest lane.
int64_t dataRowsOf(absl::Span<const uint16_t> mask);

/// Decodes [rows x columns] in block order into `operand`. `mask` has rows * columns / 16
/// words, `data` at least dataRowsOf(mask) * 16 bytes.
void decodeOperand(OperandRole role, int64_t rows, int64_t columns, absl::Span<const uint16_t> mask,
                   absl::Span<const uint8_t> data, Operand &operand);

/// What follows the accumulator.
struct MatMulOutput {
  int shift = 0; ///< arithmetic right shift, 0..31
  bool biasEnable = false;
  int32_t weightBias = 0; ///< units 2^-12
  bool relu = false;
  int outBias = 0;
  int fractionBits = 12; ///< of the shifted accumulator
};

/// C [B.rows x A.rows] in block order into `out` (B.rows * A.rows bytes). A large one is
/// shared among the threads of `pool`, if given; the result is the same.
Counts matmul(const Operand &a, const Operand &b, const MatMulOutput &output,
              absl::Span<uint8_t> out, ThreadPool *pool = nullptr);

/// Of the A.rows * B.vectors() products of two vectors that matmul consists of, those in which a
/// vector is zeros throughout: the engine gates them, in the same cycles.
int64_t gatedProducts(const Operand &a, const Operand &b);

//===----------------------------------------------------------------------===//
// Special function unit
//===----------------------------------------------------------------------===//

inline constexpr int kSfuBits = 20;
inline constexpr int kSfuFractionBits = 14;
inline constexpr int32_t kSfuMax = (1 << (kSfuBits - 1)) - 1;
inline constexpr int32_t kSfuMin = -(1 << (kSfuBits - 1));

inline int32_t saturateSfu(int64_t value) {
  return static_cast<int32_t>(value > kSfuMax ? kSfuMax : value < kSfuMin ? kSfuMin : value);
}

/// The word of a code under bias register `bias`. Exact for every code and bias.
inline int32_t sfuWord(uint8_t code, int bias) {
  return significandAdaptivFloat8(code) * (1 << bias);
}

/// The code of a word under bias register `bias`.
inline uint8_t sfuCode(int32_t word, int bias, Counts &counts) {
  bool saturated = false;
  uint8_t code =
      encodeAdaptivFloat8Fixed(word, kSfuFractionBits, bias + kEngineExponentOffset, &saturated);
  counts.saturations += saturated;
  return code;
}

/// sfuWord of many codes, and sfuCode of many words; sizes are multiples of 16.
void sfuWords(absl::Span<const uint8_t> codes, int bias, absl::Span<int32_t> words);
void sfuCodes(absl::Span<const int32_t> words, int bias, absl::Span<uint8_t> codes, Counts &counts);

/// exp of d * 2^-14 for d <= 0 in units of 2^-20: 64-entry table of powers of two and
/// linear interpolation. exp(0) = 2^20.
uint32_t expNegative(int32_t d);

/// 1/sqrt(variance * 2^-14) as a word, rounded half up, saturated; variance >= 1.
int32_t inverseSqrt(uint32_t variance);

/// ln(value * 2^-20) in units of 2^-14; value >= 1.
int32_t naturalLog(uint32_t value);

/// One row: y = (x - mean) / sqrt(variance) * gamma + beta. All spans have one size,
/// the row's true width.
void layerNormRow(absl::Span<const int32_t> x, absl::Span<const int32_t> gamma,
                  absl::Span<const int32_t> beta, absl::Span<int32_t> y);

/// One row: p = softmax of x over the lanes with span > 0, weighted by the span.
void softmaxRow(absl::Span<const int32_t> x, absl::Span<const int32_t> span, absl::Span<int32_t> p);

/// Of two words: their sum fits 32 bits.
inline int32_t addWords(int32_t a, int32_t b) {
  int32_t sum = a + b;
  return sum > kSfuMax ? kSfuMax : sum < kSfuMin ? kSfuMin : sum;
}

/// Entropy of the row's softmax in units of 2^-10 nats.
int32_t entropyOfRow(absl::Span<const int32_t> x);

} // namespace aac::sim

#endif // AAC_SIM_ENGINE_H
