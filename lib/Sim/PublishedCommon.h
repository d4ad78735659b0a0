//===- PublishedCommon.h - words and decoding of the published engine - C++ -===//
#ifndef AAC_LIB_SIM_PUBLISHEDCOMMON_H
#define AAC_LIB_SIM_PUBLISHEDCOMMON_H

#include "aac/Numerics/Layout.h"
#include "aac/Sim/Published.h"

namespace aac::sim::published {

inline int16_t wrap16(int64_t value) { return static_cast<int16_t>(static_cast<uint64_t>(value)); }

/// A decoder's address generator: reads vectors one by one.
struct Decoder {
  Decoder(const Memory &memory, Place place);
  /// The vector under mask word `maskWord`; its data follow what has been read.
  void next(int maskWord, uint8_t *codes);

  const Memory &memory;
  Place place;
  std::array<int, 16> read{}; ///< by lane; saved and restored to read a row again
};

} // namespace aac::sim::published

#endif // AAC_LIB_SIM_PUBLISHEDCOMMON_H
