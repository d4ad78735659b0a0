//===- AcceleratorImpl.h - the two revisions behind Accelerator.h *- C++ -*-===//
#ifndef AAC_LIB_SIM_ACCELERATORIMPL_H
#define AAC_LIB_SIM_ACCELERATORIMPL_H

#include "aac/Sim/Accelerator.h"

namespace aac::sim {

inline constexpr int kBeatBytes = 8;
inline constexpr int kBeatWords = 4; ///< mask words of a beat

std::unique_ptr<Accelerator> createPublished();
std::unique_ptr<Accelerator> createCorrected(const Machine &machine);

} // namespace aac::sim

#endif // AAC_LIB_SIM_ACCELERATORIMPL_H
