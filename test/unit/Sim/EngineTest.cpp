//===- EngineTest.cpp - every operation against a slow obvious one ---------===//
#include "aac/Sim/Engine.h"

#include "aac/Numerics/Layout.h"
#include "aac/Sim/ThreadPool.h"
#include "hwy/targets.h"
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

using namespace aac;
using namespace aac::sim;

namespace {

constexpr AdaptivFloatFormat kAf8{8, 3};

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

struct Problem {
  int64_t n0, n1, m;
  std::vector<uint8_t> a, b; ///< row-major codes
  MatMulOutput output;
};

std::vector<uint8_t> randomCodes(std::mt19937 &rng, int64_t count, double sparsity, int maxField) {
  std::vector<uint8_t> codes(count);
  for (uint8_t &code : codes) {
    bool zero = std::uniform_real_distribution<>(0, 1)(rng) < sparsity;
    int field = static_cast<int>(rng() % (maxField + 1));
    code = zero ? 0 : static_cast<uint8_t>((rng() & 0x80) | (field << 4) | (rng() & 15));
  }
  return codes;
}

/// The result by the definition: exact sums, each step on its own.
std::vector<uint8_t> slowMatmul(const Problem &p, Counts &counts) {
  std::vector<uint8_t> c(p.n1 * p.n0);
  for (int64_t i = 0; i < p.n1; ++i)
    for (int64_t j = 0; j < p.n0; ++j) {
      int64_t sum = 0;
      for (int64_t k = 0; k < p.m; ++k) // significand = value * 2^4 at minExponent 0
        sum += std::llround(decodeAdaptivFloat(kAf8, 0, p.b[i * p.m + k]) * 16) *
               std::llround(decodeAdaptivFloat(kAf8, 0, p.a[j * p.m + k]) * 16);
      int64_t wrapped = ((sum + (int64_t{1} << 31)) & 0xffffffff) - (int64_t{1} << 31);
      counts.overflows += wrapped != sum;
      double x = std::floor(std::ldexp(static_cast<double>(wrapped), -p.output.shift));
      if (p.output.biasEnable)
        x += p.output.weightBias;
      if (p.output.relu)
        x = std::max(x, 0.0);
      bool saturated = false;
      c[i * p.n0 + j] = static_cast<uint8_t>(
          encodeAdaptivFloat(kAf8, p.output.outBias - 10, std::ldexp(x, -12), &saturated));
      counts.saturations += saturated;
    }
  return c;
}

std::vector<uint8_t> fastMatmul(const Problem &p, bool encoded, Counts &counts,
                                ThreadPool *pool = nullptr) {
  auto decode = [&](OperandRole role, const std::vector<uint8_t> &codes, int64_t rows) {
    std::vector<uint8_t> blocks = toBlockOrder(codes, rows, p.m);
    EncodedVectors vectors;
    if (encoded) {
      vectors = encodeBitMask(blocks);
    } else {
      vectors.mask.assign(blocks.size() / 16, 0xffff);
      vectors.data = blocks;
    }
    EXPECT_EQ(dataRowsOf(vectors.mask), vectors.rows());
    Operand operand;
    decodeOperand(role, rows, p.m, vectors.mask, vectors.data, operand);
    return operand;
  };
  std::vector<uint8_t> out(p.n1 * p.n0);
  counts = matmul(decode(OperandRole::A, p.a, p.n0), decode(OperandRole::B, p.b, p.n1), p.output,
                  absl::MakeSpan(out), pool);
  return fromBlockOrder(out, p.n1, p.n0);
}

TEST(MatMul, HandComputed) {
  // A: row 0 = 1.5 (code 0x08 at E=0: 24/16) everywhere, B: row 0 = -2 (0x90), rest 0.
  // Significands 24 and -32: sum over 16 = -12288; >> 4 = -768 = -0.1875 * 2^12.
  Problem p{16, 16, 16, std::vector<uint8_t>(256), std::vector<uint8_t>(256), {}};
  std::fill_n(p.a.begin(), 16, 0x08);
  std::fill_n(p.b.begin(), 16, 0x90);
  p.output.shift = 4;
  p.output.outBias = 2; // minExponent -8: 0.1875 = 1.5 * 2^-3 -> E = 5, M = 8
  Counts counts;
  std::vector<uint8_t> c = fastMatmul(p, false, counts);
  EXPECT_EQ(c[0], 0xd8);
  EXPECT_TRUE(std::all_of(c.begin() + 1, c.end(), [](uint8_t code) { return code == 0; }));
  p.output.relu = true;
  EXPECT_EQ(fastMatmul(p, true, counts)[0], 0);
  p.output.relu = false;
  p.output.biasEnable = true;
  p.output.weightBias = 64; // -704 = -1.375 * 2^-3 * 2^12
  EXPECT_EQ(fastMatmul(p, true, counts)[0], 0xd6);
}

TEST(MatMul, EqualsTheDefinitionOnEveryTarget) {
  std::mt19937 rng(7);
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (int round = 0; round < 20; ++round) {
      Problem p;
      p.n0 = 16 * (1 + rng() % 4);
      p.n1 = 16 * (1 + rng() % 4);
      p.m = 16 * (1 + rng() % (round % 8 ? 8 : 255));
      double sparsity = (rng() % 11) / 10.0;
      int field = static_cast<int>(rng() % 8);
      p.a = randomCodes(rng, p.n0 * p.m, sparsity, field);
      p.b = randomCodes(rng, p.n1 * p.m, (rng() % 11) / 10.0, static_cast<int>(rng() % 8));
      p.output.shift = static_cast<int>(rng() % 32);
      p.output.biasEnable = rng() & 1;
      p.output.weightBias = static_cast<int>(rng() % 256) - 128;
      p.output.relu = rng() & 1;
      p.output.outBias = static_cast<int>(rng() % 8);
      Counts slow, dense, sparse;
      std::vector<uint8_t> want = slowMatmul(p, slow);
      EXPECT_EQ(fastMatmul(p, false, dense), want) << hwy::TargetName(target);
      EXPECT_EQ(fastMatmul(p, true, sparse), want) << hwy::TargetName(target);
      EXPECT_EQ(dense.overflows, slow.overflows);
      EXPECT_EQ(sparse.overflows, slow.overflows);
      EXPECT_EQ(dense.saturations, slow.saturations);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(MatMul, AnyNumberOfThreadsGivesTheSame) {
  std::mt19937 rng(11);
  Problem p{80, 96, 4080, {}, {}, {}}; // an odd number of row blocks, large enough to share
  p.a = randomCodes(rng, p.n0 * p.m, 0.3, 7);
  p.b = randomCodes(rng, p.n1 * p.m, 0.3, 7);
  std::fill_n(p.a.begin(), p.m, 0x7f);
  std::fill_n(p.b.end() - p.m, p.m, 0x7f);
  p.output.shift = 8;
  Counts counts;
  std::vector<uint8_t> want = fastMatmul(p, false, counts);
  ASSERT_GT(counts.saturations, 0);
  ASSERT_GT(counts.overflows, 0);
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 5; ++round) {
      Counts shared;
      EXPECT_EQ(fastMatmul(p, false, shared, &pool), want) << threads;
      EXPECT_EQ(shared.saturations, counts.saturations);
      EXPECT_EQ(shared.overflows, counts.overflows);
    }
  }
}

TEST(ThreadPool, DoesEveryPieceOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int64_t count : {0, 1, 2, 3, 17, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(count));
      pool.run(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i)
          ++done[static_cast<size_t>(i)];
      });
      for (const std::atomic<int> &each : done)
        EXPECT_EQ(each, 1);
    }
  }
  EXPECT_GE(ThreadPool(0).threads(), 1);
}

TEST(Sfu, ManyWordsAsOneByOneOnEveryTarget) {
  std::vector<int32_t> words(1 << 20); // every word
  std::iota(words.begin(), words.end(), kSfuMin);
  std::vector<uint8_t> every(256), codes(words.size());
  std::iota(every.begin(), every.end(), 0);
  std::vector<int32_t> decoded(every.size());
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (int bias = 0; bias < 8; ++bias) {
      Counts one, many;
      sfuCodes(words, bias, absl::MakeSpan(codes), many);
      int64_t different = 0;
      for (size_t i = 0; i < words.size(); ++i)
        different += codes[i] != sfuCode(words[i], bias, one);
      EXPECT_EQ(different, 0) << hwy::TargetName(target) << " bias " << bias;
      EXPECT_EQ(many.saturations, one.saturations);
      sfuWords(every, bias, absl::MakeSpan(decoded));
      for (int code = 0; code < 256; ++code)
        EXPECT_EQ(decoded[code], sfuWord(static_cast<uint8_t>(code), bias));
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(MatMul, SumsOfAnySizeBecomeTheRightCode) {
  // Long rows of large codes: sums all over int32, wrapped ones included.
  std::mt19937 rng(13);
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (int shift : {0, 1, 7, 31}) {
      Problem p{32, 32, 4080, {}, {}, {}};
      p.a = randomCodes(rng, p.n0 * p.m, 0.5, 7);
      p.b = randomCodes(rng, p.n1 * p.m, 0.5, 7);
      p.output.shift = shift;
      p.output.outBias = 7;
      Counts slow, fast;
      std::vector<uint8_t> want = slowMatmul(p, slow);
      EXPECT_EQ(fastMatmul(p, true, fast), want) << hwy::TargetName(target) << " " << shift;
      EXPECT_EQ(fast.saturations, slow.saturations);
      EXPECT_EQ(fast.overflows, slow.overflows);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(MatMul, CountsOverflowsExactly) {
  // Row 0 of A and of B are the largest codes: 4080 * 3968^2 is far outside int32. Row 1
  // of A alternates in sign: its bound fails, its sum is 0.
  Problem p{16, 16, 4080, {}, {}, {}};
  p.a.assign(16 * 4080, 0);
  p.b.assign(16 * 4080, 0);
  std::fill_n(p.a.begin(), 4080, 0x7f);
  for (int k = 0; k < 4080; ++k)
    p.a[4080 + k] = k & 1 ? 0xff : 0x7f;
  std::fill_n(p.b.begin(), 4080, 0x7f);
  Counts counts;
  fastMatmul(p, false, counts);
  EXPECT_EQ(counts.overflows, 1);
  // 136 products of 3968^2 fit, 137 do not.
  for (int count : {136, 137}) {
    std::fill_n(p.b.begin(), 4080, 0);
    std::fill_n(p.b.begin(), count, 0x7f);
    fastMatmul(p, true, counts);
    EXPECT_EQ(counts.overflows, count == 137);
  }
}

TEST(MatMul, CloseToTheTrueProduct) {
  // shift = s_out - minExpA - minExpB - 4 with all scales 0: real values in and out.
  std::mt19937 rng(3);
  std::normal_distribution<> normal;
  const int64_t n = 32, m = 256;
  const int minExpA = -6, minExpB = -8; // |a| < 3.9, |b| < 0.97
  Problem p{n, n, m, {}, {}, {}};
  p.a.resize(n * m);
  p.b.resize(n * m);
  std::vector<double> a(n * m), b(n * m);
  for (int64_t i = 0; i < n * m; ++i) {
    p.a[i] = static_cast<uint8_t>(encodeAdaptivFloat(kAf8, minExpA, normal(rng)));
    p.b[i] = static_cast<uint8_t>(encodeAdaptivFloat(kAf8, minExpB, 0.2 * normal(rng)));
    a[i] = decodeAdaptivFloat(kAf8, minExpA, p.a[i]);
    b[i] = decodeAdaptivFloat(kAf8, minExpB, p.b[i]);
  }
  p.output.shift = -minExpA - minExpB - 4;
  p.output.outBias = 7;
  Counts counts;
  std::vector<uint8_t> c = fastMatmul(p, false, counts);
  EXPECT_EQ(counts.overflows, 0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double truth = 0;
      for (int64_t k = 0; k < m; ++k)
        truth += b[i * m + k] * a[j * m + k];
      double got = decodeAdaptivFloat(kAf8, -3, c[i * n + j]);
      // Half a code step, or the smallest code near zero, and one step of the shift.
      EXPECT_NEAR(got, truth, std::max(std::fabs(truth) / 32, 0.07) + 0x1p-12);
    }
}

//===----------------------------------------------------------------------===//
// Elementary functions
//===----------------------------------------------------------------------===//

TEST(Sfu, WordsOfAllCodesAreExact) {
  for (int bias = 0; bias < 8; ++bias)
    for (int code = 0; code < 256; ++code) {
      int32_t word = sfuWord(static_cast<uint8_t>(code), bias);
      EXPECT_EQ(word, std::ldexp(decodeAdaptivFloat(kAf8, bias - 10, code), 14));
      EXPECT_EQ(saturateSfu(word), word);
      Counts counts;
      EXPECT_EQ(sfuCode(word, bias, counts), code == 0x80 ? 0 : code);
      EXPECT_EQ(counts.saturations, 0);
    }
}

TEST(Sfu, ExponentialOverTheWholeRange) {
  double worst = 0, worstRelative = 0;
  uint32_t last = expNegative(0);
  EXPECT_EQ(last, 1u << 20);
  for (int32_t d = 0; d >= kSfuMin - kSfuMax; --d) {
    double truth = std::ldexp(std::exp(std::ldexp(d, -14)), 20);
    uint32_t got = expNegative(d);
    EXPECT_LE(got, last);
    last = got;
    worst = std::max(worst, std::fabs(got - truth));
    if (truth >= (1 << 14))
      worstRelative = std::max(worstRelative, std::fabs(got - truth) / truth);
  }
  std::printf("exp: worst error %.3f * 2^-20 absolute, %.3g relative where exp >= 2^-6\n", worst,
              worstRelative);
  EXPECT_LT(worst, 16.0);
  EXPECT_LT(worstRelative, 5e-5);
}

TEST(Sfu, InverseSquareRootIsExact) {
  double worst = 0;
  auto check = [&](uint32_t v) {
    int64_t n = inverseSqrt(v);
    double truth = 0x1p21 / std::sqrt(static_cast<double>(v));
    worst = std::max(worst, truth > kSfuMax ? 0.0 : std::fabs(static_cast<double>(n) - truth));
    if (n == kSfuMax) {
      EXPECT_LE((2 * uint64_t{kSfuMax} - 1) * (2 * uint64_t{kSfuMax} - 1) * v, uint64_t{1} << 44);
      return;
    }
    // (2n-1)^2 v <= 2^44 < (2n+1)^2 v, that is n - 1/2 <= 2^21/sqrt(v) < n + 1/2.
    unsigned __int128 low = (2 * n - 1) * (2 * n - 1), high = (2 * n + 1) * (2 * n + 1);
    EXPECT_LE(static_cast<uint64_t>(low * v), uint64_t{1} << 44);
    EXPECT_GT(high * v, static_cast<unsigned __int128>(1) << 44);
  };
  for (uint32_t v = 1; v < (1u << 18); ++v)
    check(v);
  std::mt19937 rng(5);
  for (int i = 0; i < 100000; ++i)
    check((static_cast<uint32_t>(rng()) >> (rng() % 15)) | 1);
  std::printf("rsqrt: worst error %.6f * 2^-14 where not saturated\n", worst);
  EXPECT_LE(worst, 0.5 + 1e-9);
}

TEST(Sfu, LogarithmOverTheWholeRange) {
  double worst = 0;
  std::mt19937 rng(5);
  for (uint32_t i = 1; i < 2000000; ++i) {
    uint32_t v = i < 1000000 ? i : (static_cast<uint32_t>(rng()) >> (rng() % 32)) | 1;
    worst =
        std::max(worst, std::fabs(naturalLog(v) - std::ldexp(std::log(std::ldexp(v, -20)), 14)));
  }
  std::printf("ln: worst error %.3f * 2^-14\n", worst);
  EXPECT_LT(worst, 0.6);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

std::vector<int32_t> randomWords(std::mt19937 &rng, int64_t count, int bias, double spread) {
  std::vector<int32_t> words(count);
  std::normal_distribution<> normal(0, spread);
  for (int32_t &word : words)
    word = sfuWord(static_cast<uint8_t>(encodeAdaptivFloat(kAf8, bias - 10, normal(rng))), bias);
  return words;
}

int64_t floorDivide(__int128 a, __int128 b) { // b > 0
  return static_cast<int64_t>(a >= 0 ? a / b : -((-a + b - 1) / b));
}

int64_t clampWord(int64_t v) { return std::min<int64_t>(std::max<int64_t>(v, -524288), 524287); }

TEST(Sfu, LayerNormHandComputed) {
  // x = 1, 3 (words): mean 2, mean square 5, variance 1, so y = -1, 1; gamma 2, beta 0.5.
  std::vector<int32_t> x = {16384, 49152}, gamma = {32768, 32768}, beta = {8192, 8192}, y(2);
  layerNormRow(x, gamma, beta, absl::MakeSpan(y));
  EXPECT_EQ(y, (std::vector<int32_t>{-24576, 40960}));
}

TEST(Sfu, LayerNormOfAConstantRowIsBeta) {
  std::vector<int32_t> x(32, 507904), gamma(32, 16384), beta(32, 77), y(32);
  layerNormRow(x, gamma, beta, absl::MakeSpan(y));
  EXPECT_EQ(y, std::vector<int32_t>(32, 77));
}

TEST(Sfu, LayerNormEqualsTheDefinition) {
  std::mt19937 rng(11);
  for (int round = 0; round < 300; ++round) {
    int64_t width = round < 5 ? 4080 - round : 1 + rng() % 900;
    int bias = static_cast<int>(rng() % 8);
    double spread = std::ldexp(1.0, static_cast<int>(rng() % 6) - 4 + bias - 4);
    auto x = randomWords(rng, width, bias, spread);
    if (round == 0)
      std::fill(x.begin(), x.end(), 507904); // the sum of squares saturates
    auto gamma = randomWords(rng, width, 4, 1.0), beta = randomWords(rng, width, 3, 0.3);
    std::vector<int32_t> y(width);
    layerNormRow(x, gamma, beta, absl::MakeSpan(y));
    __int128 sum = 0, squares = 0;
    for (int32_t v : x) {
      sum += v;
      squares += floorDivide(static_cast<__int128>(v) * v, 16384);
    }
    if (squares > 4294967295)
      squares = 4294967295;
    int64_t mean =
        sum >= 0 ? static_cast<int64_t>(sum / width) : -static_cast<int64_t>(-sum / width);
    int64_t variance = static_cast<int64_t>(squares / width) -
                       floorDivide(static_cast<__int128>(mean) * mean, 16384);
    variance = std::max<int64_t>(variance, 1);
    int64_t inverse = clampWord(static_cast<int64_t>(std::floor(0x1p21L / sqrtl(variance) + 0.5L)));
    double truthMean = 0, truthSquares = 0;
    for (int32_t v : x)
      truthMean += v / 16384.0 / static_cast<double>(width);
    for (int32_t v : x)
      truthSquares += std::pow(v / 16384.0 - truthMean, 2) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      int64_t want =
          clampWord(floorDivide(static_cast<__int128>(x[i] - mean) * inverse + 8192, 16384));
      want = clampWord(floorDivide(static_cast<__int128>(want) * gamma[i] + 8192, 16384));
      want = clampWord(want + beta[i]);
      ASSERT_EQ(y[i], want) << "round " << round << " lane " << i;
      if (truthSquares > 0.01 && truthSquares < 100) {
        double truth = (x[i] / 16384.0 - truthMean) / std::sqrt(truthSquares) * gamma[i] / 16384.0 +
                       beta[i] / 16384.0;
        ASSERT_NEAR(y[i] / 16384.0, truth, 0.04 + 0.01 * std::fabs(truth));
      }
    }
  }
}

TEST(Sfu, SoftmaxHandComputed) {
  // Two equal scores and one far below: 1/2, 1/2, 0; the last lane has no span.
  std::vector<int32_t> x = {100, 100, -500000, 5000}, span = {16384, 16384, 16384, 0}, p(4);
  softmaxRow(x, span, absl::MakeSpan(p));
  EXPECT_EQ(p, (std::vector<int32_t>{8192, 8192, 0, 0}));
  span = {49152, 16384, 0, 0}; // weights 3 : 1
  softmaxRow(x, span, absl::MakeSpan(p));
  EXPECT_EQ(p, (std::vector<int32_t>{12288, 4096, 0, 0}));
  span = {0, 0, 0, 0};
  softmaxRow(x, span, absl::MakeSpan(p));
  EXPECT_EQ(p, (std::vector<int32_t>{0, 0, 0, 0}));
}

TEST(Sfu, SoftmaxEqualsTheDefinition) {
  std::mt19937 rng(13);
  for (int round = 0; round < 300; ++round) {
    int64_t width = round < 3 ? 4080 : 1 + rng() % 300;
    auto x = randomWords(rng, width, 7, std::ldexp(1.0, static_cast<int>(rng() % 6) - 3));
    std::vector<int32_t> span(width, 16384);
    bool weighted = round % 3 == 2;
    for (int32_t &s : span)
      s = rng() % 4 == 0 && round > 2 ? 0 : weighted ? sfuWord(rng() % 128, 3) : 16384;
    std::vector<int32_t> p(width);
    softmaxRow(x, span, absl::MakeSpan(p));
    // As documented, with the table made here.
    int64_t max = INT64_MIN;
    for (int64_t i = 0; i < width; ++i)
      if (span[i])
        max = std::max<int64_t>(max, x[i]);
    std::vector<int64_t> e(width);
    int64_t sum = 0;
    double truthSum = 0;
    for (int64_t i = 0; i < width; ++i) {
      if (!span[i])
        continue;
      int64_t z = floorDivide(static_cast<__int128>(max - x[i]) * 1549082005 + 524288, 1048576);
      int64_t whole = floorDivide(-z, 16777216), fraction = -z - whole * 16777216;
      auto table = [](int64_t k) { return std::llround(0x1p30L * exp2l(k / 64.0L)); };
      int64_t k = fraction / 262144, rest = fraction % 262144;
      int64_t power =
          table(k) +
          floorDivide(static_cast<__int128>(table(k + 1) - table(k)) * rest + 131072, 262144);
      int64_t value = 10 - whole > 40 ? 0
                                      : floorDivide(power + (int64_t{1} << (9 - whole)),
                                                    static_cast<__int128>(1) << (10 - whole));
      e[i] = value * span[i] / 16384;
      sum += e[i];
      truthSum += std::exp((x[i] - max) / 16384.0) * span[i] / 16384.0;
    }
    sum = std::min<int64_t>(sum, 4294967295);
    for (int64_t i = 0; i < width; ++i) {
      int64_t want = sum ? (e[i] * 32768 + sum) / (2 * sum) : 0;
      ASSERT_EQ(p[i], want) << "round " << round << " lane " << i;
      if (span[i]) {
        ASSERT_NEAR(p[i] / 16384.0, std::exp((x[i] - max) / 16384.0) * span[i] / 16384.0 / truthSum,
                    weighted ? 1e-2 : 1e-4); // a small span at the maximum costs bits
      }
    }
  }
}

TEST(Sfu, SoftmaxRowSumsPerBias) {
  // The row of docs/engine-arithmetic.md: what 8-bit codes leave of a sum of 1. Rows of equal
  // scores of every width up to 512, and random ones.
  std::mt19937 rng(19);
  std::vector<std::vector<int32_t>> rows;
  for (int width = 1; width <= 512; ++width)
    rows.emplace_back(width, 0);
  size_t equal = rows.size();
  for (int round = 0; round < 1000; ++round)
    rows.push_back(
        randomWords(rng, 1 + rng() % 512, 7, std::ldexp(1.0, static_cast<int>(rng() % 5) - 2)));
  std::printf("softmax row sums: bias, worst |sum - 1| of equal scores, of random scores, mean\n");
  for (int bias = 0; bias < 8; ++bias) {
    double worst[2] = {}, mean = 0;
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<int32_t> span(rows[r].size(), 16384), p(rows[r].size());
      softmaxRow(rows[r], span, absl::MakeSpan(p));
      double words = 0, codes = 0;
      Counts counts;
      for (int32_t v : p) {
        words += v / 16384.0;
        codes += decodeAdaptivFloat(kAf8, bias - 10, sfuCode(v, bias, counts));
      }
      EXPECT_LE(std::fabs(words - 1), static_cast<double>(p.size()) / 32768 + 1e-9);
      double error = std::fabs(codes - 1);
      worst[r >= equal] = std::max(worst[r >= equal], error);
      mean += r >= equal ? error / static_cast<double>(rows.size() - equal) : 0;
    }
    std::printf("| %d | %.3f | %.3f | %.4f |\n", bias, worst[0], worst[1], mean);
    const double stated[] = {0.758, 0.516, 1.030, 1.009, 1, 1, 1, 1};
    EXPECT_NEAR(worst[0], stated[bias], 0.001) << "docs/engine-arithmetic.md";
  }
}

TEST(Sfu, ElementAddSaturates) {
  EXPECT_EQ(addWords(524000, 287), 524287);
  EXPECT_EQ(addWords(524000, 288), 524287);
  EXPECT_EQ(addWords(-524000, -289), -524288);
  EXPECT_EQ(addWords(-524000, 1), -523999);
  Counts counts;
  EXPECT_EQ(sfuCode(524287, 7, counts), 0x7f);
  EXPECT_EQ(sfuCode(-524288, 7, counts), 0xff);
  EXPECT_EQ(counts.saturations, 2);
}

TEST(Sfu, EntropyCloseToTheTruth) {
  std::vector<int32_t> equal(1000, 5);
  EXPECT_EQ(entropyOfRow(equal), std::lround(std::log(1000) * 1024));
  std::mt19937 rng(17);
  double worst = 0;
  for (int round = 0; round < 300; ++round) {
    auto x = randomWords(rng, 1 + rng() % 200, 7, 1.0 + rng() % 5);
    double sum = 0, weighted = 0;
    for (int32_t v : x) {
      sum += std::exp(v / 16384.0);
      weighted += v / 16384.0 * std::exp(v / 16384.0);
    }
    worst = std::max(worst, std::fabs(entropyOfRow(x) / 1024.0 - (std::log(sum) - weighted / sum)));
  }
  std::printf("entropy: worst error %.6f nats\n", worst);
  EXPECT_LT(worst, 2e-3);
}

} // namespace
