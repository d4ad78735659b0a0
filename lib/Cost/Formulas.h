//===- Formulas.h - time and energy of one instruction ----------*- C++ -*-===//
//
// Analytic, from the machine's constants alone; deliberately not the code of
// lib/Sim/Timing.cpp, so that comparing the two means something.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_COST_FORMULAS_H
#define AAC_LIB_COST_FORMULAS_H

#include "aac/Cost/Report.h"

namespace aac::cost {

inline Figure operator+(Figure a, const Figure &b) { return a += b; }
inline Figure operator*(const Figure &a, double factor) {
  return {a.low * factor, a.typical * factor, a.high * factor};
}
/// A cost constant, or the time of one unit at a rate: the fastest is the low end.
inline Figure figure(const Quantity &q) { return {q.low, q.typical, q.high}; }
Figure perUnit(const Quantity &rate);
Figure product(const Figure &a, const Figure &b);
Figure larger(const Figure &a, const Figure &b);

/// Bytes of one tier that an instruction touches.
struct Access {
  uint64_t address = 0;
  uint64_t bytes = 0;
  uint64_t accesses = 1; ///< separate latencies
  bool write = false;
  bool mask = false;
};

/// Tier accesses of an instruction in repetition `iteration` of its loop.
std::vector<Access> accessesOf(const isa::Instruction &in, int64_t iteration);

/// Time of its unit in ns, without waiting and configuration.
absl::StatusOr<Figure> busyNs(const isa::Instruction &in, const Machine &machine,
                              int64_t iteration);

/// Energy inside the engine and the host, without tiers.
struct InnerEnergy {
  Figure logicPj, bufferPj, hostPj;
  int64_t macs = 0;
};
InnerEnergy innerEnergy(const isa::Instruction &in, const Machine &machine);

/// Energy of one access in its tier.
Figure accessEnergyPj(const Access &access, const Tier &tier);

absl::Status noTier(uint64_t address);

} // namespace aac::cost

#endif // AAC_LIB_COST_FORMULAS_H
