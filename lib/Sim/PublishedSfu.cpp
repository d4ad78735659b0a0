//===- PublishedSfu.cpp - the published special function units -------------===//
//
// Reference: accelerator sections 2.5 to 2.9 and 7. Numbers are 16 bits with 10 of
// fraction; nothing saturates.
//
//===----------------------------------------------------------------------===//
#include "PublishedCommon.h"

#include <algorithm>

namespace aac::sim::published {
namespace {

/// The low `bits` of `value`, signed.
int64_t wrap(int64_t value, int bits) {
  return static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - bits)) >> (64 - bits);
}

int16_t multiplyFixed(int16_t a, int16_t b) { return wrap16((int32_t{a} * b) >> 10); }

int64_t shiftLeft(int64_t value, int by) {
  return by >= 0 ? static_cast<int64_t>(static_cast<uint64_t>(value) << by) : value >> -by;
}

/// A vector's bytes taken for words: two bytes a lane, and nothing for the upper eight.
std::array<int16_t, kLanes> reinterpret(const uint8_t *codes) {
  std::array<int16_t, kLanes> words{};
  for (int i = 0; i < kLanes / 2; ++i)
    words[i] = wrap16(codes[2 * i] | codes[2 * i + 1] << 8);
  return words;
}

int16_t maximum(int16_t max, const uint8_t *codes, int bias) {
  for (int lane = 0; lane < kLanes; ++lane)
    max = std::max(max, toFixed(codes[lane], bias));
  return max;
}
constexpr int16_t kLowest = -32767; ///< where a maximum begins

} // namespace

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
  return wrap16(shiftLeft(y, -(exponent >> 1)) >> 14); // exponent / 2, floor
}

uint16_t exponential(int16_t value) {
  constexpr int64_t slope[4] = {194, 230, 273, 325}, start[4] = {1022, 1216, 1446, 1719};
  int32_t t = (int32_t{value} * 23637) >> 13; // value * log2(e), 11 fraction bits
  int whole = t >> 11, fraction = t & 2047;
  int segment = fraction >> 9;
  int64_t y = slope[segment] * (fraction & 511) + (start[segment] << 9);
  return static_cast<uint16_t>(shiftLeft(y, whole) >> 9);
}

int16_t logarithm(uint16_t value) {
  constexpr int64_t slope[8] = {348, 310, 281, 256, 236, 218, 204, 191};
  constexpr int64_t start[8] = {-2045, -1697, -1387, -1105, -849, -612, -394, -190};
  if (value == 0)
    return 0;
  int zeros = __builtin_clz(static_cast<uint32_t>(value)) - 16;
  int32_t mantissa = (((value << zeros) & 0xffff) - 32768) >> 1;
  int segment = mantissa >> 11 & 7, fraction = mantissa & 2047;
  int64_t log2 = slope[segment] * fraction + start[segment] * (1 << 11) +
                 int64_t{6 - zeros} * (int64_t{1} << 22);
  return wrap16((log2 * 2839) >> 24);
}

std::vector<uint8_t> Engine::layerNorm(const Sfu &op) const {
  std::vector<uint8_t> codes = decode(memory[op.memory], op.input[0], op.vectors * op.timesteps);
  int width = op.vectors * kLanes;
  for (int t = 0; t < op.timesteps; ++t) {
    uint8_t *row = codes.data() + static_cast<ptrdiff_t>(t) * width;
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
  return codes;
}

std::vector<uint8_t> Engine::softmax(const Sfu &op) const {
  std::vector<uint8_t> result;
  uint8_t codes[kLanes];
  Decoder decoder(memory[op.memory], op.input[0]);
  std::array<int, kLanes> rowStart{}; // where the generator believes that the row begins
  int pass = 0;
  auto readPass = [&](int t, auto use) {
    decoder.read = rowStart;
    for (int v = 0; v < op.vectors; ++v) {
      decoder.next(op.input[0].mask + t * op.vectors + v, codes);
      use(v);
    }
    if (pass++ % 4 == 2) // sic: every third was meant; from the third row on data are wrong
      rowStart = decoder.read;
  };
  for (int t = 0; t < op.timesteps; ++t) {
    int16_t max = kLowest;
    readPass(t, [&](int) { max = maximum(max, codes, op.activationBias[0]); });
    int16_t sum = 0;
    readPass(t, [&](int) {
      for (int16_t word : reinterpret(codes)) // sic: the codes are not converted
        sum = wrap16(int32_t{sum} + exponential(wrap16(int32_t{word} - max)));
    });
    readPass(t, [&](int v) {
      sum = logarithm(static_cast<uint16_t>(sum)); // sic: again for each vector
      std::array<int16_t, kLanes> words = reinterpret(codes);
      for (int lane = 0; lane < kLanes; ++lane) {
        int16_t p = wrap16(exponential(wrap16(int32_t{words[lane]} - max - sum)));
        uint8_t span = aux[static_cast<size_t>(op.spanBase + v * kLanes + lane) % aux.size()];
        result.push_back(
            toCode(multiplyFixed(p, toFixed(span, op.spanBias)), 10, op.activationBias[0]));
      }
    });
  }
  return result;
}

std::vector<uint8_t> Engine::elementAdd(const Sfu &op) const {
  std::vector<uint8_t> a = decode(memory[op.memory], op.input[0], op.vectors * op.timesteps);
  std::vector<uint8_t> b = decode(memory[op.memory], op.input[1], op.vectors * op.timesteps);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = toCode(
        wrap16(int32_t{toFixed(a[i], op.activationBias[0])} + toFixed(b[i], op.activationBias[1])),
        10, op.activationBias[2]);
  return a;
}

std::optional<int16_t> Engine::entropy(const Sfu &op) const {
  std::vector<uint8_t> codes = decode(memory[op.memory], op.input[0], op.vectors);
  int16_t max = kLowest, sum = 0, weighted = 0;
  for (int v = 0; v < op.vectors; ++v)
    max = maximum(max, codes.data() + v * kLanes, op.activationBias[0]);
  for (int v = 0; v < op.vectors; ++v)
    for (int16_t word : reinterpret(codes.data() + v * kLanes)) { // sic
      int16_t d = wrap16(int32_t{word} - max);
      sum = wrap16(int32_t{sum} + exponential(d));
      weighted = wrap16(int32_t{weighted} + exponential(wrap16(int32_t{word} * d))); // sic
    }
  if (sum == 0)
    return std::nullopt;
  return wrap16(int32_t{logarithm(static_cast<uint16_t>(sum))} + max - weighted / sum);
}

DvfsPoint dvfs(int16_t entropy, int scale) {
  constexpr int lowest[15] = {256,  512,   1024,  2048,  3072,  4096,  5120, 6144,
                              8192, 10240, 12288, 16384, 20480, 24576, 28672};
  int scaled = entropy / scale;
  int bin = static_cast<int>(std::upper_bound(lowest, lowest + 15, scaled) - lowest);
  return {std::min(bin, 14), bin};
}

} // namespace aac::sim::published
