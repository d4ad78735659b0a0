//===- Hash.h - the project's content hash ----------------------*- C++ -*-===//
#ifndef AAC_SUPPORT_HASH_H
#define AAC_SUPPORT_HASH_H

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>

namespace aac {

/// XXH3, 64 bits, seed 0, of `bytes`. The same on every machine; stored in streams.
uint64_t hashBytes(absl::Span<const uint8_t> bytes);
/// The same of the bytes of `text`.
uint64_t hashBytes(absl::string_view text);

} // namespace aac

#endif // AAC_SUPPORT_HASH_H
