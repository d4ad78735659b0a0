//===- OutputSteps.h - from a sum to a code ---------------------*- C++ -*-===//
#ifndef AAC_LIB_SIM_OUTPUTSTEPS_H
#define AAC_LIB_SIM_OUTPUTSTEPS_H

#include <cstdint>

namespace aac::sim {

/// x = (sum >> shift) + bias, not below 0 with relu; then the code of x * 2^-fractionBits
/// whose smallest exponent is minExponent.
struct OutputSteps {
  int shift = 0;
  int32_t bias = 0;
  bool relu = false;
  int minExponent = 0;
  int fractionBits = 0;
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_OUTPUTSTEPS_H
