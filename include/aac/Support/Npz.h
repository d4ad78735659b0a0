//===- Npz.h - numpy's .npz files -------------------------------*- C++ -*-===//
//
// An .npz file is a zip archive of .npy members, one array each (numpy's format
// versions 1 to 3). We read stored and deflated members and write stored ones with a
// constant time stamp: equal arrays make equal files.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SUPPORT_NPZ_H
#define AAC_SUPPORT_NPZ_H

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// An array: little-endian elements in C order.
struct NpyArray {
  std::string name;
  char kind = 'f';            ///< 'f' float, 'i' signed, 'u' unsigned, 'b' bool
  int itemSize = 4;           ///< bytes an element: f 2 4 8, i and u 1 2 4 8, b 1
  std::vector<int64_t> shape; ///< empty: a scalar
  std::vector<uint8_t> bytes; ///< numElements() * itemSize

  int64_t numElements() const;
  /// Elements as f32: floats rounded to nearest, integers and bools converted.
  absl::StatusOr<std::vector<float>> toFloats() const;
  /// Elements as int64; bools are 0 and 1. Error where the array holds floats or a
  /// value does not fit.
  absl::StatusOr<std::vector<int64_t>> toInts() const;

  /// An f32 array; `values` has the elements of `shape`.
  static NpyArray fromFloats(absl::string_view name, std::vector<int64_t> shape,
                             absl::Span<const float> values);
  /// An i64 array.
  static NpyArray fromInts(absl::string_view name, std::vector<int64_t> shape,
                           absl::Span<const int64_t> values);
};

/// Reads all arrays of an .npz file ("-" is standard input) in the archive's order,
/// big-endian ones converted. Errors name file, array and what is wrong: not a zip
/// archive, truncated, a header that is not numpy's, Python objects, Fortran order, a
/// shape that does not match the bytes, two arrays of one name.
absl::StatusOr<std::vector<NpyArray>> readNpz(absl::string_view path);
/// The same from memory; `fileName` is for errors.
absl::StatusOr<std::vector<NpyArray>> parseNpz(absl::string_view bytes, absl::string_view fileName);

/// Writes `arrays` ("-" is standard output). Deterministic. Error if two arrays have
/// one name or one's bytes do not match its shape.
absl::Status writeNpz(absl::string_view path, absl::Span<const NpyArray> arrays);
/// The bytes that writeNpz writes.
absl::StatusOr<std::string> serializeNpz(absl::Span<const NpyArray> arrays);

} // namespace aac

#endif // AAC_SUPPORT_NPZ_H
