//===- Published.h - the published engine's arithmetic ----------*- C++ -*-===//
//
// `semantics: PUBLISHED`: what the released EdgeBERT source computes, its limits and
// quirks included (reference: accelerator sections 2 and 3). A reference for exactness,
// not a machine for inference: sums wrap at 16 bits, large negative results turn into
// the largest positive code, beta is read where gamma lies. One operation after a reset.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_PUBLISHED_H
#define AAC_SIM_PUBLISHED_H

#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <vector>

namespace aac::sim::published {

/// A code as signed fixed point of 16 bits, 10 of them fraction (truncating).
int16_t toFixed(uint8_t code, int bias);
/// 16-bit fixed point with `fractionBits` (10 in the SFU, 12 behind the accumulator) as a
/// code: halves round toward +infinity, too large is 0x7f for either sign.
uint8_t toCode(int16_t value, int fractionBits, int bias);
/// Product of two codes' significands, modulo 2^16.
int16_t multiply(uint8_t a, uint8_t b);
/// Piecewise linear 1/sqrt of an unsigned number with 10 fraction bits.
int16_t inverseSqrt(uint16_t value);

/// One data memory with the mask memory beside it. Addresses wrap.
struct Memory {
  std::vector<uint8_t> data = std::vector<uint8_t>(65536);
  std::vector<uint16_t> mask = std::vector<uint16_t>(4096);
};

/// Where an operand lies: mask word `base`, data byte `base - offset`.
struct Place {
  int base = 0, offset = 0;
};

struct MatMul {
  int n0 = 0, n1 = 0, m = 0;
  bool relu = false, biasEnable = false;
  int weightBias = 0, outBias = 0, shift = 0;
  std::array<Place, 2> input;
  int outMemory = 0, outBase = 0;
};

struct Sfu {
  int vectors = 0, timesteps = 0;
  std::array<int, 3> activationBias{}; ///< adpbias_act1, 2, 3
  int memory = 0, outBase = 0;
  std::array<Place, 2> input;
  int gammaBase = 0, gammaBias = 0, betaBias = 0; ///< layer norm; bytes of the aux memory
};

/// The engine after reset.
struct Engine {
  std::array<Memory, 2> memory;
  std::vector<uint8_t> aux = std::vector<uint8_t>(4096);

  /// Each writes its result bit-mask encoded and returns it dense, in the order of the
  /// vectors in memory.
  std::vector<uint8_t> matMul(const MatMul &op);
  std::vector<uint8_t> layerNorm(const Sfu &op);
  std::vector<uint8_t> elementAdd(const Sfu &op);

private:
  std::vector<uint8_t> decode(int memoryIndex, Place place, int vectors) const;
  void encode(int memoryIndex, int base, absl::Span<const uint8_t> codes);
};

} // namespace aac::sim::published

#endif // AAC_SIM_PUBLISHED_H
