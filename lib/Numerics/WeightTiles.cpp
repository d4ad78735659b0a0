//===- WeightTiles.cpp - weights as operands of the matrix unit -----------===//
#include "aac/Numerics/WeightTiles.h"

#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/Layout.h"
#include <algorithm>
#include <cmath>

namespace aac {

static int64_t paddedFeatures(int64_t features, int64_t group) {
  return group ? features / group * roundUp(group, kLanes) : roundUp(features, kLanes);
}

/// Feature behind padded position `p`, or -1 for padding.
static int64_t featureAt(int64_t p, int64_t features, int64_t group) {
  if (!group)
    return p < features ? p : -1;
  int64_t padded = roundUp(group, kLanes);
  return p % padded < group ? p / padded * group + p % padded : -1;
}

int64_t WeightTileSpec::paddedOut() const { return paddedFeatures(outFeatures, outGroup); }
int64_t WeightTileSpec::paddedIn() const { return paddedFeatures(inFeatures, inGroup); }
int64_t WeightTileSpec::rowsOfTile(int64_t index) const {
  return std::min(tileRows, paddedOut() - index * tileRows);
}

void splitBias(double bias, int64_t row, int biasExponent, int minExponent, uint8_t lanes[16],
               double *error) {
  constexpr AdaptivFloatFormat format = kEngineFormat;
  std::fill(lanes, lanes + kLanes, 0);
  double constant = std::ldexp(1.0, biasExponent), rest = bias;
  for (int step = 0; step < kLanes; ++step) {
    uint8_t code = static_cast<uint8_t>(encodeAdaptivFloat(format, minExponent, rest / constant));
    if ((code & 0x7f) == 0)
      break;
    double next = rest - decodeAdaptivFloat(format, minExponent, code) * constant;
    if (std::fabs(next) >= std::fabs(rest))
      break;
    lanes[biasLane(row, step)] = code;
    rest = next;
  }
  if (error)
    *error = std::max(*error, std::fabs(rest));
}

std::vector<uint8_t> weightTile(const WeightTileSpec &spec, int64_t index,
                                absl::Span<const uint8_t> codes, absl::Span<const float> bias,
                                double *maxBiasError) {
  int64_t rows = spec.rowsOfTile(index), columnBlocks = spec.rowVectors();
  int64_t dataBlocks = spec.paddedIn() / kLanes;
  std::vector<uint8_t> tile(rows * columnBlocks * kLanes, 0);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t out = featureAt(index * spec.tileRows + row, spec.outFeatures, spec.outGroup);
    if (out < 0)
      continue;
    const uint8_t *source = codes.data() + out * spec.inFeatures;
    for (int64_t block = 0; block < dataBlocks; ++block) {
      uint8_t *vector = tile.data() + blockVectorIndex(row, block, columnBlocks) * kLanes;
      if (!spec.inGroup) {
        int64_t first = block * kLanes;
        std::copy_n(source + first, std::min<int64_t>(kLanes, spec.inFeatures - first), vector);
        continue;
      }
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        int64_t in = featureAt(block * kLanes + lane, spec.inFeatures, spec.inGroup);
        if (in >= 0)
          vector[lane] = source[in];
      }
    }
    if (spec.hasBias)
      splitBias(bias[out], row, spec.biasExponent, spec.minExponent,
                tile.data() + blockVectorIndex(row, dataBlocks, columnBlocks) * kLanes,
                maxBiasError);
  }
  return tile;
}

} // namespace aac
