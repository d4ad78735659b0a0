//===- Tensors.h - checked values of TensorProto ----------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_TENSORS_H
#define AAC_LIB_IMPORT_ONNX_TENSORS_H

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace aac::onnx {

class ExternalData;

/// A tensor of a file, checked: `bytes` has as many elements as `dims` say, in the form in
/// which the dialect holds them (floats of any width as f32, bools as bytes 0 and 1, the
/// other integers as they are; little-endian).
struct TensorData {
  std::string name;
  int32_t dataType = 0; ///< as in the file
  std::vector<int64_t> dims;
  std::shared_ptr<std::string> bytes;
  uint64_t hash = 0; ///< XXH3-64 of `bytes`, once settled

  int64_t numElements() const;
};

/// The bytes of all files that are read together: equal ones exist once as soon as they are
/// known. Safe to use from several threads.
class Contents {
public:
  /// The bytes that were here first among those equal to `bytes`, whose hash is `hash`; bytes are
  /// compared where hashes meet.
  std::shared_ptr<std::string> unique(uint64_t hash, std::shared_ptr<std::string> bytes);

private:
  std::mutex mutex;
  std::unordered_map<uint64_t, std::vector<std::shared_ptr<std::string>>> known;
};

/// "float16" of TensorProto.DataType 10; "7777" of one that has no name here.
std::string dataTypeName(int32_t dataType);

/// Bytes of an element in a file; 0 for types that cannot be imported.
int64_t dataTypeSize(int32_t dataType);

/// True for floats of other widths than f32: fp16, bf16, double.
bool becomesF32(int32_t dataType);

/// Product of `dims`; an error says which is negative, that they are too many or that the
/// product overflows (also that of all but the zeros, so that any order can be multiplied).
absl::StatusOr<int64_t> countElements(absl::Span<const int64_t> dims);

/// An error if a weight is no number: any NaN, or infinities beside values other than zero
/// (a mask may be of zeros and infinities).
absl::Status checkFinite(const TensorData &tensor);

/// Takes the values out of `proto`, which is left without them: f32 and integer `raw_data` is
/// moved, not copied. `external` reads tensors that lie in another file. Errors do not name file or
/// tensor. The bytes are still in the file's form: settle() must follow, once for each string
/// of bytes, which external tensors of one range and type have in common.
absl::StatusOr<TensorData> takeTensor(::onnx::TensorProto &proto, ExternalData &external);

/// Brings the bytes into the dialect's form and hashes them.
void settle(TensorData &tensor);

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_TENSORS_H
