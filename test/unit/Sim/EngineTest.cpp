//===- EngineTest.cpp - every operation against a slow obvious one ---------===//
#include "aac/Sim/Engine.h"

#include "SlowEngine.h"
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
  const MatMulOutput &o = p.output;
  for (int64_t i = 0; i < p.n1; ++i)
    for (int64_t j = 0; j < p.n0; ++j)
      c[i * p.n0 + j] =
          slow::afterSum(slow::dotProduct(&p.b[i * p.m], &p.a[j * p.m], p.m), o.shift, o.biasEnable,
                         o.weightBias, o.relu, o.outBias, counts.overflows, counts.saturations);
  return c;
}

/// `codes`, row-major, as an operand: bit-masked or dense.
Operand decode(OperandRole role, const std::vector<uint8_t> &codes, int64_t rows, int64_t columns,
               bool encoded) {
  std::vector<uint8_t> blocks = toBlockOrder(codes, rows, columns);
  EncodedVectors vectors;
  if (encoded) {
    vectors = encodeBitMask(blocks);
  } else {
    vectors.mask.assign(blocks.size() / 16, 0xffff);
    vectors.data = blocks;
  }
  EXPECT_EQ(dataRowsOf(vectors.mask), vectors.rows());
  Operand operand;
  decodeOperand(role, rows, columns, vectors.mask, vectors.data, operand);
  return operand;
}

std::vector<uint8_t> fastMatmul(const Problem &p, bool encoded, Counts &counts,
                                ThreadPool *pool = nullptr) {
  std::vector<uint8_t> out(p.n1 * p.n0);
  counts =
      matmul(decode(OperandRole::A, p.a, p.n0, p.m, encoded),
             decode(OperandRole::B, p.b, p.n1, p.m, encoded), p.output, absl::MakeSpan(out), pool);
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

TEST(MatMul, GatesProductsWithAVectorOfZeros) {
  std::mt19937 rng(11);
  for (int round = 0; round < 20; ++round) {
    int64_t n0 = 16 * (1 + rng() % 3), n1 = 16 * (1 + rng() % 3), m = 16 * (1 + rng() % 5);
    // Vectors are zeros or full; zeros with a sign are zeros, too, and stored when dense.
    auto random = [&](int64_t rows) {
      std::vector<uint8_t> codes = randomCodes(rng, rows * m, 0, 7);
      for (int64_t v = 0; v < rows * m / 16; ++v)
        if (rng() % 3 == 0)
          std::fill_n(codes.begin() + 16 * v, 16, rng() % 2 ? 0x80 : 0);
      return codes;
    };
    std::vector<uint8_t> a = random(n0), b = random(n1);
    a[16 * (rng() % (n0 * m / 16))] = 0x01; // one code alone makes a vector count
    auto isNull = [&](const std::vector<uint8_t> &codes, int64_t row, int64_t block) {
      return std::all_of(codes.begin() + row * m + 16 * block,
                         codes.begin() + row * m + 16 * (block + 1),
                         [](uint8_t code) { return (code & 0x7f) == 0; });
    };
    int64_t nullB = 0, gated = 0;
    for (int64_t k = 0; k < m / 16; ++k)
      for (int64_t j = 0; j < n1; ++j) {
        nullB += isNull(b, j, k);
        for (int64_t i = 0; i < n0; ++i)
          gated += isNull(a, i, k) || isNull(b, j, k);
      }
    for (bool encoded : {false, true}) {
      Operand left = decode(OperandRole::A, a, n0, m, encoded);
      Operand right = decode(OperandRole::B, b, n1, m, encoded);
      EXPECT_EQ(right.vectors(), n1 * m / 16);
      EXPECT_EQ(right.allNullVectors(), nullB);
      EXPECT_EQ(gatedProducts(left, right), gated);
    }
  }
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

TEST(Sfu, CodesOverTheWholeRange) {
  double worst = 0, worstBelow = 0; // relative from vmin to vmax; below, in units of vmin
  for (int bias = 0; bias < 8; ++bias)
    for (int32_t word = 0; word <= kSfuMax; ++word) {
      Counts counts;
      double got = sfuWord(sfuCode(word, bias, counts), bias), vmin = sfuWord(0x01, bias);
      double error = std::fabs(got - word);
      if (word < vmin)
        worstBelow = std::max(worstBelow, error / vmin);
      else if (counts.saturations == 0)
        worst = std::max(worst, error / word);
      EXPECT_EQ(counts.saturations, word > sfuWord(0x7f, bias));
    }
  std::printf("code: worst error 1/%.3f relative, below vmin %.3f * vmin\n", 1 / worst, worstBelow);
  EXPECT_NEAR(worst, 1.0 / 33, 1e-6);
  EXPECT_LE(worstBelow, 0.5);
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
  EXPECT_LT(worst, 15.61);
  EXPECT_LT(worstRelative, 4.5e-5);
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
  // No row has a larger variance: it is at most the largest square of a word.
  for (uint32_t v = 1; v <= (507904ll * 507904 >> 14); ++v)
    check(v);
  std::mt19937 rng(5);
  for (int i = 0; i < 100000; ++i)
    check((static_cast<uint32_t>(rng()) >> (rng() % 15)) | 1);
  std::printf("1/sqrt: worst error %.6f * 2^-14 where not saturated\n", worst);
  EXPECT_LE(worst, 0.5 + 1e-9);
}

TEST(Sfu, LogarithmOverTheWholeRange) {
  // It never falls (each of its steps keeps order), so it is a staircase: the worst errors are at
  // the two ends of a step, and all steps are visited.
  double worst = 0, worstOfSums = 0; // of sums: an entropy's, 1 or more
  auto error = [](uint64_t v) {
    return std::fabs(naturalLog(static_cast<uint32_t>(v)) -
                     std::ldexp(std::log(std::ldexp(static_cast<double>(v), -20)), 14));
  };
  constexpr uint64_t end = uint64_t{1} << 32;
  for (uint64_t first = 1, next; first < end; first = next) {
    int32_t value = naturalLog(static_cast<uint32_t>(first));
    uint64_t same = first, size = 1; // a place on the step; the step after it is past `next`
    while (same + size < end && naturalLog(static_cast<uint32_t>(same + size)) == value)
      same += size, size *= 2;
    for (next = std::min(end, same + size); next - same > 1;) {
      uint64_t middle = same + (next - same) / 2;
      (naturalLog(static_cast<uint32_t>(middle)) == value ? same : next) = middle;
    }
    EXPECT_TRUE(next == end || naturalLog(static_cast<uint32_t>(next)) > value) << next;
    double here = std::max(error(first), error(same));
    worst = std::max(worst, here);
    if (first >= (1 << 20))
      worstOfSums = std::max(worstOfSums, here);
  }
  std::printf("ln: worst error %.4f * 2^-14, of sums of 1 and more %.4f * 2^-14\n", worst,
              worstOfSums);
  EXPECT_LT(worst, 0.5015);
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

std::vector<int64_t> wide(const std::vector<int32_t> &words) {
  return {words.begin(), words.end()};
}

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
    EXPECT_EQ(wide(y), slow::layerNormRow(wide(x), wide(gamma), wide(beta))) << "round " << round;
    double truthMean = 0, truthSquares = 0;
    for (int32_t v : x)
      truthMean += v / 16384.0 / static_cast<double>(width);
    for (int32_t v : x)
      truthSquares += std::pow(v / 16384.0 - truthMean, 2) / static_cast<double>(width);
    for (int64_t i = 0; i < width; ++i) {
      if (truthSquares > 0.01 && truthSquares < 100) {
        double truth = (x[i] / 16384.0 - truthMean) / std::sqrt(truthSquares) * gamma[i] / 16384.0 +
                       beta[i] / 16384.0;
        ASSERT_NEAR(y[i] / 16384.0, truth, 0.04 + 0.01 * std::fabs(truth));
      }
    }
  }
}

TEST(Sfu, LayerNormCloseToTheTruth) {
  // y before gamma and beta, by deviation and mean of the row: docs/engine-arithmetic.md.
  const double stated[][2] = {{733, 3474}, {213, 1142}, {48, 346},  {13, 58},
                              {4.2, 17},   {4.4, 7.1},  {7.6, 8.2}, {14, 14}};
  std::mt19937 rng(29);
  std::printf("layer norm: deviation, worst error of |y| < 4 in units of 2^-14, mean 0 and 4\n");
  for (int exponent = -4; exponent <= 3; ++exponent) {
    double worst[2] = {};
    for (int round = 0; round < 2000; ++round) {
      bool far = round % 2;
      size_t width = 2 + rng() % (round < 20 ? 4079 : 300);
      std::normal_distribution<> normal(far ? 4 : 0, std::ldexp(1, exponent));
      std::vector<int32_t> x(width), gamma(width, 16384), beta(width, 0), y(width);
      for (int32_t &v : x)
        v = saturateSfu(std::llround(normal(rng) * 16384));
      layerNormRow(x, gamma, beta, absl::MakeSpan(y));
      double mean = 0, variance = 0, squares = 0;
      for (int32_t v : x) {
        mean += v / static_cast<double>(width);
        squares += std::ldexp(static_cast<double>(v) * v, -28);
      }
      if (squares >= (1 << 18)) // the sum saturates: anything may come of it
        continue;
      for (int32_t v : x)
        variance += std::pow(v - mean, 2) / static_cast<double>(width);
      double deviation = std::sqrt(variance) / 16384;
      if (deviation < std::ldexp(0.7, exponent)) // of few lanes: another band
        continue;
      for (size_t i = 0; i < width; ++i) {
        double truth = (x[i] - mean) / deviation;
        double error = std::fabs(y[i] - truth);
        if (std::fabs(truth) < 4 * 16384)
          worst[far] = std::max(worst[far], error);
        // The mean's last bit, the variance's last bits, 1/sqrt's, and rounding.
        double bits = std::max(2.0, 2 * std::fabs(mean) / 16384 + 2) / 16384;
        double relative = bits / (deviation * deviation) / 2 * 1.2 + deviation * 0x1p-15;
        EXPECT_LE(error, 0.5 + 1 / deviation + std::fabs(truth) * relative + 1e-6)
            << exponent << " " << far << " " << width;
      }
    }
    std::printf("| 2^%d | %.1f | %.1f |\n", exponent, worst[0], worst[1]);
    for (int far : {0, 1})
      EXPECT_NEAR(worst[far], stated[exponent + 4][far], 0.04 * worst[far]) << exponent;
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
    EXPECT_EQ(wide(p), slow::softmaxRow(wide(x), wide(span))) << "round " << round;
  }
}

/// |p - truth| in units of 2^-14, and what it is at most: a lane's exponential is off by 1.5e-5 of
/// itself and half a unit of 2^-20 (with a span s by s/2 + 1), the quotient by half a word.
std::pair<double, double> softmaxError(const std::vector<int32_t> &x,
                                       const std::vector<int32_t> &span) {
  std::vector<int32_t> p(x.size());
  softmaxRow(x, span, absl::MakeSpan(p));
  size_t most = x.size();
  for (size_t i = 0; i < x.size(); ++i)
    if (span[i] > 0 && (most == x.size() || x[i] > x[most]))
      most = i;
  double sum = 0, units = 0, worst = 0, atMost = 0; // the span at the maximum, largest of several
  for (size_t i = 0; i < x.size(); ++i)
    if (span[i] > 0) {
      sum += std::exp((x[i] - x[most]) / 16384.0) * span[i] / 16384.0;
      units += span[i] == 16384 ? 0.5 : span[i] / 32768.0 + 1;
      if (x[i] == x[most])
        atMost += span[i] / 16384.0;
    }
  for (size_t i = 0; i < x.size(); ++i) {
    double truth = span[i] > 0 ? std::exp((x[i] - x[most]) / 16384.0) * span[i] / 16384.0 / sum : 0;
    worst = std::max(worst, std::fabs(p[i] - truth * 16384));
  }
  return {worst, 0.5 + 16384 * (1.6e-5 + units * 0x1p-20 / atMost)};
}

TEST(Sfu, SoftmaxCloseToTheTruth) {
  // Rows of two scores, any distance apart, are the worst: many lanes that all round the same way.
  std::printf("softmax: width, worst error of rows of two scores in units of 2^-14, bound\n");
  for (auto [width, stated] :
       {std::pair{2, 0.54}, {3, 0.55}, {16, 0.61}, {128, 1.43}, {512, 3.97}, {4080, 31.6}}) {
    double worst = 0, bound = 0;
    std::vector<int32_t> span(width, 16384);
    for (int many : {1, width / 2, width - 1})
      for (int32_t d = 0; d < (16 << 14); d += width > 128 ? 1024 : 128) {
        std::vector<int32_t> x(width, -d);
        std::fill_n(x.begin(), width - many, 0);
        auto [error, most] = softmaxError(x, span);
        EXPECT_LE(error, most) << width << " " << many << " " << d;
        worst = std::max(worst, error);
        bound = std::max(bound, most);
      }
    std::printf("| %d | %.2f | %.2f |\n", width, worst, bound);
    EXPECT_NEAR(worst, stated, 0.01 + 0.001 * worst) << "docs/engine-arithmetic.md";
  }
  std::mt19937 rng(31);
  for (int round = 0; round < 500; ++round) {
    auto x = randomWords(rng, 1 + rng() % 600, 7, std::ldexp(1.0, static_cast<int>(rng() % 6) - 3));
    std::vector<int32_t> span(x.size());
    for (int32_t &s : span)
      s = rng() % 4 == 0 ? 0 : sfuWord(static_cast<uint8_t>(rng() % 128), round % 8);
    span[0] = 16384;
    auto [error, most] = softmaxError(x, span);
    EXPECT_LE(error, most) << round;
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
  for (int round = 0; round < 1000; ++round) {
    size_t width = 1 + rng() % 512; // drawn one after the other: arguments have no order
    double scale = std::ldexp(1.0, static_cast<int>(rng() % 5) - 2);
    rows.push_back(randomWords(rng, width, 7, scale));
  }
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
    const double stated[][3] = {{0.758, 0.758, 0.085}, {0.516, 0.516, 0.048}, {1.030, 0.325, 0.059},
                                {1.009, 1, 0.217},     {1, 1, 0.393},         {1, 1, 0.527},
                                {1, 1, 0.634},         {1, 1, 0.712}};
    EXPECT_NEAR(worst[0], stated[bias][0], 0.001) << "docs/engine-arithmetic.md";
    EXPECT_NEAR(worst[1], stated[bias][1], 0.001) << "docs/engine-arithmetic.md";
    EXPECT_NEAR(mean, stated[bias][2], 0.001) << "docs/engine-arithmetic.md";
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

double entropyError(const std::vector<int32_t> &x) {
  double sum = 0, weighted = 0;
  int32_t max = *std::max_element(x.begin(), x.end());
  for (int32_t v : x) {
    double d = (v - max) / 16384.0;
    sum += std::exp(d);
    weighted += d * std::exp(d);
  }
  return std::fabs(entropyOfRow(x) / 1024.0 - (std::log(sum) - weighted / sum));
}

TEST(Sfu, EntropyEqualsTheDefinition) {
  std::mt19937 rng(37);
  for (int round = 0; round < 2000; ++round) {
    auto x = randomWords(rng, round < 5 ? 4080 : 1 + rng() % 60, static_cast<int>(rng() % 8),
                         std::ldexp(1.0, static_cast<int>(rng() % 9) - 4));
    ASSERT_EQ(entropyOfRow(x), slow::entropyOfRow(wide(x))) << round;
  }
}

TEST(Sfu, EntropyCloseToTheTruth) {
  std::vector<int32_t> equal(1000, 5);
  EXPECT_EQ(entropyOfRow(equal), std::lround(std::log(1000) * 1024));
  // As for softmax, rows of two scores: what each lane loses adds up.
  std::printf("entropy: width, worst error of rows of two scores in nats\n");
  for (auto [width, stated] : {std::pair{2, 0.00055},
                               {3, 0.00055},
                               {16, 0.00059},
                               {128, 0.0013},
                               {512, 0.0038},
                               {4080, 0.030}}) {
    double worst = 0;
    for (int many : {1, width / 2, width - 1})
      for (int32_t d = 0; d < (16 << 14); d += width > 128 ? 1024 : 64) {
        std::vector<int32_t> x(width, -d);
        std::fill_n(x.begin(), width - many, 0);
        worst = std::max(worst, entropyError(x));
      }
    std::printf("| %d | %.5f |\n", width, worst);
    // Half of 2^-10 and the functions' own; a lane may lose 2^-21 of exp, 14.6 * 2^-21 of x exp.
    EXPECT_LT(worst, 0x1p-11 + 2.1e-4 + width * 15.6 * 0x1p-21) << width;
    EXPECT_NEAR(worst, stated, 0.03 * worst) << "docs/engine-arithmetic.md";
  }
  std::mt19937 rng(17);
  double worst = 0;
  for (int round = 0; round < 3000; ++round)
    worst = std::max(worst, entropyError(randomWords(rng, 1 + rng() % 200, 7, 1.0 + rng() % 5)));
  std::printf("entropy: worst error of random rows of 1 to 200 lanes %.6f nats\n", worst);
  EXPECT_LT(worst, 6e-4);
}

} // namespace
