//===- Published.cpp - the published engine's arithmetic -------------------===//
#include "aac/Sim/Published.h"

#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/Layout.h"

namespace aac::sim::published {
namespace {

int16_t wrap16(int64_t value) { return static_cast<int16_t>(static_cast<uint64_t>(value)); }

/// The low `bits` of `value`, signed.
int64_t wrap(int64_t value, int bits) {
  return static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - bits)) >> (64 - bits);
}

int16_t multiplyFixed(int16_t a, int16_t b) { return wrap16((int32_t{a} * b) >> 10); }

} // namespace

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

int16_t inverseSqrt(uint16_t value) {
  constexpr int32_t slope[8] = {-331, -279, -240, -210, -185, -165, -148, -134};
  constexpr int32_t start[8] = {5789, 5458, 5178, 4938, 4728, 4543, 4378, 4229};
  if (value == 0)
    return -1;
  int zeros = __builtin_clz(static_cast<uint32_t>(value)) - 16;
  int exponent = 6 - zeros;
  int32_t v = ((value << zeros) & 0xffff) - 32768;
  int segment = v >> 12, fraction = v & 4095;
  int64_t y = int64_t{slope[segment]} * fraction + (int64_t{start[segment]} << 12);
  if (exponent & 1)
    y = (y * 2896) >> 12;
  int half = exponent >> 1; // floor
  y = half >= 0 ? y >> half : y << -half;
  return wrap16(y >> 14);
}

std::vector<uint8_t> Engine::decode(int memoryIndex, Place place, int vectors) const {
  const Memory &m = memory[memoryIndex];
  std::array<int, kLanes> counter{};
  std::vector<uint8_t> codes(static_cast<size_t>(vectors) * kLanes);
  for (int v = 0; v < vectors; ++v) {
    uint16_t word = m.mask[(place.base + v) % m.mask.size()];
    for (int lane = 0; lane < kLanes; ++lane)
      if (word >> lane & 1)
        codes[v * kLanes + lane] =
            m.data[static_cast<uint16_t>(16 * counter[lane]++ + lane + place.base - place.offset)];
  }
  return codes;
}

void Engine::encode(int memoryIndex, int base, absl::Span<const uint8_t> codes) {
  Memory &m = memory[memoryIndex];
  std::array<int, kLanes> counter{};
  for (size_t v = 0; v < codes.size() / kLanes; ++v) {
    uint16_t word = 0;
    for (int lane = 0; lane < kLanes; ++lane)
      if (uint8_t code = codes[v * kLanes + lane]) { // 0x80 is stored
        word = static_cast<uint16_t>(word | 1 << lane);
        m.data[static_cast<uint16_t>(base + 16 * counter[lane]++ + lane)] = code;
      }
    m.mask[(static_cast<size_t>(base) + v) % m.mask.size()] = word;
  }
}

std::vector<uint8_t> Engine::matMul(const MatMul &op) {
  std::vector<uint8_t> a =
      fromBlockOrder(decode(0, op.input[0], op.n0 * op.m / kLanes), op.n0, op.m);
  std::vector<uint8_t> b =
      fromBlockOrder(decode(1, op.input[1], op.n1 * op.m / kLanes), op.n1, op.m);
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
  c = toBlockOrder(c, op.n1, op.n0);
  encode(op.outMemory, op.outBase, c);
  return c;
}

std::vector<uint8_t> Engine::layerNorm(const Sfu &op) {
  std::vector<uint8_t> codes = decode(op.memory, op.input[0], op.vectors * op.timesteps);
  int width = op.vectors * kLanes;
  for (int t = 0; t < op.timesteps; ++t) {
    uint8_t *row = codes.data() + t * width;
    std::vector<int16_t> x(width);
    int64_t sum = 0, squares = 0;
    for (int v = 0; v < op.vectors; ++v) {
      int64_t vectorSum = 0, vectorSquares = 0;
      for (int i = v * kLanes; i < (v + 1) * kLanes; ++i) {
        x[i] = toFixed(row[i], op.activationBias[0]);
        vectorSum += x[i];
        vectorSquares += multiplyFixed(x[i], x[i]);
      }
      sum = wrap(sum + wrap16(vectorSum), 20);
      squares = wrap(squares + wrap16(vectorSquares), 20);
    }
    int64_t mean = sum / width, meanSquare = squares / width;
    int16_t variance = wrap16(meanSquare - (wrap(mean * mean, 17) >> 10));
    int16_t inverse = inverseSqrt(static_cast<uint16_t>(variance));
    for (int i = 0; i < width; ++i) {
      uint8_t parameter = aux[(op.gammaBase + i) % aux.size()];
      int16_t y = multiplyFixed(wrap16(x[i] - mean), inverse);
      y = multiplyFixed(y, toFixed(parameter, op.gammaBias));
      y = wrap16(int32_t{y} + toFixed(parameter, op.betaBias)); // sic: beta from gamma's base
      row[i] = toCode(y, 10, op.activationBias[0]);
    }
  }
  encode(op.memory, op.outBase, codes);
  return codes;
}

std::vector<uint8_t> Engine::elementAdd(const Sfu &op) {
  std::vector<uint8_t> a = decode(op.memory, op.input[0], op.vectors * op.timesteps);
  std::vector<uint8_t> b = decode(op.memory, op.input[1], op.vectors * op.timesteps);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = toCode(
        wrap16(int32_t{toFixed(a[i], op.activationBias[0])} + toFixed(b[i], op.activationBias[1])),
        10, op.activationBias[2]);
  encode(op.memory, op.outBase, a);
  return a;
}

} // namespace aac::sim::published
