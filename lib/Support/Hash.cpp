#include "aac/Support/Hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace aac {

uint64_t hashBytes(absl::Span<const uint8_t> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t hashBytes(absl::string_view text) { return XXH3_64bits(text.data(), text.size()); }

} // namespace aac
