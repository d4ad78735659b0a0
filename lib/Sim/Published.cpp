//===- Published.cpp - the published engine's arithmetic -------------------===//
#include "PublishedCommon.h"

#include "aac/Numerics/AdaptivFloat.h"

namespace aac::sim::published {

int16_t toFixed(uint8_t code, int bias) {
  if ((code & 0x7f) == 0)
    return 0;
  int shift = ((code >> 4) & 7) + bias - 4;
  int magnitude = 16 + (code & 15);
  magnitude = shift >= 0 ? magnitude << shift : magnitude >> -shift;
  return static_cast<int16_t>(code & 0x80 ? -magnitude : magnitude);
}

uint8_t toCode(int16_t value, int fractionBits, int bias) {
  if (value == 0)
    return 0;
  bool negative = value < 0;
  uint32_t magnitude = static_cast<uint32_t>(negative ? -int32_t{value} : value);
  // value = m * 2^exponent, m in [1, 2) or, negative, in [-2, -1).
  int exponent = 31 - __builtin_clz(magnitude);
  if (negative && (magnitude & (magnitude - 1)) == 0)
    --exponent; // -1 is written as -2 * 2^-1
  // m with four fraction bits; adding a half and flooring rounds halves up.
  int drop = exponent - 4;
  int32_t m = drop > 0 ? (value + (1 << (drop - 1))) >> drop : int32_t{value} * (1 << -drop);
  if (m == 32) {
    m = 16;
    ++exponent;
  } else if (m == -16) {
    m = -32;
    --exponent;
  }
  int field = exponent - fractionBits - bias + 10 + (m == -32);
  if (field < 0)
    return 0;
  if (field > 7)
    return 0x7f;
  int32_t low = (negative ? -m : m) & 15;
  return static_cast<uint8_t>((negative ? 0x80 : 0) | field << 4 | low);
}

int16_t multiply(uint8_t a, uint8_t b) {
  return wrap16(int64_t{significandAdaptivFloat8(a)} * significandAdaptivFloat8(b));
}

Decoder::Decoder(const Memory &memory, Place place) : memory(memory), place(place) {}

void Decoder::next(int maskWord, uint8_t *codes) {
  uint16_t word = memory.mask[static_cast<size_t>(maskWord) % memory.mask.size()];
  for (int lane = 0; lane < kLanes; ++lane)
    codes[lane] = word >> lane & 1
                      ? memory.data[static_cast<uint16_t>(16 * read[lane]++ + lane + place.data)]
                      : 0;
}

std::vector<uint8_t> decode(const Memory &memory, Place place, int vectors) {
  Decoder decoder(memory, place);
  std::vector<uint8_t> codes(static_cast<size_t>(vectors) * kLanes);
  for (int v = 0; v < vectors; ++v)
    decoder.next(place.mask + v, codes.data() + v * kLanes);
  return codes;
}

void Encoder::put(Memory &memory, absl::Span<const uint8_t> codes) {
  uint16_t word = 0;
  for (int lane = 0; lane < kLanes; ++lane)
    if (codes[lane]) { // 0x80 is stored
      word = static_cast<uint16_t>(word | 1 << lane);
      memory.data[static_cast<uint16_t>(base + 16 * stored[lane]++ + lane)] = codes[lane];
    }
  memory.mask[static_cast<size_t>(base + vectors++) % memory.mask.size()] = word;
}

void Engine::encode(int memoryIndex, int base, absl::Span<const uint8_t> codes) {
  Encoder encoder;
  encoder.base = base;
  for (size_t v = 0; v < codes.size(); v += kLanes)
    encoder.put(memory[memoryIndex], codes.subspan(v, kLanes));
}

std::vector<uint8_t> Engine::matMul(const MatMul &op) const {
  std::vector<uint8_t> a =
      fromBlockOrder(decode(memory[0], op.input[0], op.n0 * op.m / kLanes), op.n0, op.m);
  std::vector<uint8_t> b =
      fromBlockOrder(decode(memory[1], op.input[1], op.n1 * op.m / kLanes), op.n1, op.m);
  std::vector<uint8_t> c(static_cast<size_t>(op.n0) * op.n1);
  for (int i = 0; i < op.n1; ++i)
    for (int j = 0; j < op.n0; ++j) {
      int64_t sum = 0; // every step wraps, so the end does as well
      for (int k = 0; k < op.m; ++k)
        sum += multiply(b[i * op.m + k], a[j * op.m + k]);
      int16_t x = wrap16(wrap16(sum) >> op.shift);
      if (op.biasEnable)
        x = wrap16(int32_t{x} + op.weightBias);
      if (op.relu && x < 0)
        x = 0;
      if (x == -32768)
        x = -32767;
      c[i * op.n0 + j] = toCode(x, 12, op.outBias);
    }
  return toBlockOrder(c, op.n1, op.n0);
}

} // namespace aac::sim::published
