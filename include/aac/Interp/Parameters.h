//===- Parameters.h - what inferences on one suite share --------*- C++ -*-===//
#ifndef AAC_INTERP_PARAMETERS_H
#define AAC_INTERP_PARAMETERS_H

#include "aac/Interp/Interpreter.h"
#include "absl/status/statusor.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace aac::interp {

class PackedMatrix;

/// The parameters of an `aac.suite`, each read (decoded, laid out for products) when it is first
/// asked for and kept for later inferences (Options::parameters). The suite's parameters must not
/// change while this object is used. Several threads may use it.
class Parameters {
public:
  /// `suite` is an aac.suite.
  explicit Parameters(mlir::Operation *suite);
  ~Parameters();

  /// The f32 values of a parameter. Errors: there is none of that name, it has no data.
  absl::StatusOr<std::shared_ptr<const Tensor>> values(mlir::StringAttr name);
  /// The transpose of a weight [out, in] as the right operand of a product; the same errors, and
  /// one if it is no matrix.
  absl::StatusOr<std::shared_ptr<const PackedMatrix>> packed(mlir::StringAttr name);

private:
  struct Entry;
  absl::StatusOr<Entry *> find(mlir::StringAttr name);
  llvm::DenseMap<mlir::StringAttr, std::unique_ptr<Entry>> entries;
};

} // namespace aac::interp

#endif // AAC_INTERP_PARAMETERS_H
