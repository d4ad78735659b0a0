//===- Published.h - the published engine's arithmetic ----------*- C++ -*-===//
//
// `semantics: PUBLISHED`: what the released EdgeBERT source computes, its limits and
// quirks included (reference: accelerator sections 2 and 3). A reference for exactness,
// not a machine for inference: sums wrap at 16 bits, large negative results turn into
// the largest positive code, beta is read where gamma lies, softmax and entropy take
// bytes for words. One operation each; registers, transfers and what state outlives an
// operation are Accelerator.h's.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_PUBLISHED_H
#define AAC_SIM_PUBLISHED_H

#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace aac::sim::published {

/// A code as signed fixed point of 16 bits, 10 of them fraction (truncating).
int16_t toFixed(uint8_t code, int bias);
/// 16-bit fixed point with `fractionBits` (10 in the SFU, 12 behind the accumulator) as a
/// code: halves round toward +infinity, too large is 0x7f for either sign.
uint8_t toCode(int16_t value, int fractionBits, int bias);
/// Product of two codes' significands, modulo 2^16.
int16_t multiply(uint8_t a, uint8_t b);

// Piecewise linear functions of 16-bit numbers with 10 fraction bits.
int16_t inverseSqrt(uint16_t value);
/// exp; the result is unsigned and wraps from 64 on.
uint16_t exponential(int16_t value);
/// ln; 0 for 0.
int16_t logarithm(uint16_t value);

/// One data memory with the mask memory beside it. Addresses wrap.
struct Memory {
  std::vector<uint8_t> data = std::vector<uint8_t>(65536);
  std::vector<uint16_t> mask = std::vector<uint16_t>(4096);
};

/// The memories of an accelerator.
struct Memories {
  std::array<Memory, 2> memory;
  std::vector<uint8_t> aux = std::vector<uint8_t>(4096);
};

/// Where an operand begins: a mask word and a data byte.
struct Place {
  int mask = 0, data = 0;
};

/// `vectors` vectors from `place` on, dense.
std::vector<uint8_t> decode(const Memory &memory, Place place, int vectors);

struct MatMul {
  int n0 = 0, n1 = 0, m = 0;
  bool relu = false, biasEnable = false;
  int weightBias = 0, outBias = 0, shift = 0;
  std::array<Place, 2> input; ///< operand A in memory 0, operand B in memory 1
};

/// An operation of the special function unit; rows of `vectors` vectors follow each other.
struct Sfu {
  int vectors = 0, timesteps = 0;
  std::array<int, 3> activationBias{}; ///< adpbias_act1, 2, 3
  int memory = 0;
  std::array<Place, 2> input;
  int gammaBase = 0, gammaBias = 0, betaBias = 0; ///< layer norm; bytes of the aux memory
  int spanBase = 0, spanBias = 0;                 ///< softmax; bytes of the aux memory
};

/// Encode: writes results bit-mask encoded, 0x00 left out. Only a reset clears its counters:
/// results follow each other whatever memory and operation they belong to.
struct Encoder {
  int base = 0; ///< mask word and data byte
  int vectors = 0;
  std::array<int, 16> stored{}; ///< by lane
  /// `codes`: one vector.
  void put(Memory &memory, absl::Span<const uint8_t> codes);
};

/// The operations. Each returns its codes dense, in the order of the vectors in memory, and
/// leaves the memories alone.
struct Engine : Memories {
  std::vector<uint8_t> matMul(const MatMul &op) const;
  std::vector<uint8_t> layerNorm(const Sfu &op) const;
  std::vector<uint8_t> softmax(const Sfu &op) const;
  std::vector<uint8_t> elementAdd(const Sfu &op) const;
  /// Entropy of one row with 10 fraction bits; none where the source divides by zero.
  std::optional<int16_t> entropy(const Sfu &op) const;
  /// Writes results as Encode does after a reset.
  void encode(int memoryIndex, int base, absl::Span<const uint8_t> codes);
};

/// What Dvfs selects of its tables of 15 oscillator and 16 regulator codes.
struct DvfsPoint {
  int dco = 0, ldo = 0;
};
/// `scale` is 1 to 255.
DvfsPoint dvfs(int16_t entropy, int scale);

} // namespace aac::sim::published

#endif // AAC_SIM_PUBLISHED_H
