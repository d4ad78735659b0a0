//===- MagnitudeHistogramTest.cpp - percentiles and least-error limits ----===//
#include "aac/Numerics/MagnitudeHistogram.h"

#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace aac;

namespace {

MagnitudeHistogram of(const std::vector<float> &values) {
  MagnitudeHistogram histogram;
  histogram.add(values);
  return histogram;
}

/// Squared error of encoding `values` at a smallest exponent.
double errorOf(const std::vector<float> &values, int minExponent) {
  double error = 0;
  for (float value : values) {
    double off = value - decodeAdaptivFloat({}, minExponent,
                                            encodeAdaptivFloat({}, minExponent, double(value)));
    error += off * off;
  }
  return error;
}

TEST(MagnitudeHistogram, NothingSeen) {
  MagnitudeHistogram histogram;
  EXPECT_EQ(histogram.largest(), 0);
  EXPECT_EQ(histogram.percentile(99), 0);
  EXPECT_EQ(histogram.leastErrorLimit({}), 0);
}

TEST(MagnitudeHistogram, PercentileIsTheEndOfABin) {
  std::vector<float> values(999, -1.0f);
  values.push_back(40);
  MagnitudeHistogram histogram = of(values);
  EXPECT_EQ(histogram.count(), 1000);
  EXPECT_EQ(histogram.largest(), 40);
  EXPECT_EQ(histogram.percentile(99.9), 1.0625);
  EXPECT_EQ(histogram.percentile(99.91), 40);
  EXPECT_EQ(histogram.percentile(100), 40);
  EXPECT_EQ(histogram.countFrom(1.0625), 1);
  EXPECT_EQ(histogram.countFrom(40.5), 0);
}

TEST(MagnitudeHistogram, LargestIsNeverExceeded) {
  EXPECT_EQ(of({1.01f, 0.5f}).percentile(100), 1.01f);
  EXPECT_EQ(of({0, 0, 0}).percentile(50), 0);
}

TEST(MagnitudeHistogram, NotFinite) {
  EXPECT_TRUE(std::isinf(of({1, NAN}).largest()));
  EXPECT_TRUE(std::isinf(of({1, -INFINITY}).largest()));
  EXPECT_TRUE(std::isinf(of({1, INFINITY}).leastErrorLimit({})));
}

TEST(MagnitudeHistogram, LeastErrorIsThatOfTheCodec) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float outlier : {0.0f, 8.0f, 17.0f, 40.0f, 200.0f, 3000.0f}) {
    std::vector<float> values(20000);
    for (float &value : values)
      value = normal(random) * 0.01f;
    values.push_back(outlier);
    MagnitudeHistogram histogram = of(values);
    double limit = histogram.leastErrorLimit({});
    int chosen = chooseMinExponent({}, limit), top = chooseMinExponent({}, histogram.largest());
    double best = INFINITY;
    for (int exponent = top - 7; exponent <= top; ++exponent)
      best = std::min(best, errorOf(values, exponent));
    EXPECT_LE(errorOf(values, chosen), best * 1.1) << outlier;
  }
  // One value just above an octave costs less saturated than an octave of the many.
  std::vector<float> values(100000, 0.01f);
  values.push_back(1.97f);
  EXPECT_LT(of(values).leastErrorLimit({}), 1.95);
}

} // namespace
