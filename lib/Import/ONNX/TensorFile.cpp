//===- TensorFile.cpp - ONNX tensor files (.pb) ---------------------------===//
#include "ExternalData.h"
#include "TensorPool.h"
#include "Tensors.h"

#include AAC_ONNX_PB_H

#include "aac/Import/ONNX.h"
#include "aac/Interp/Attributes.h"
#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/MLIRContext.h"
#include <limits>

namespace aac::onnx {

absl::StatusOr<interp::Tensor> readTensorFile(const std::string &path) {
  auto fail = [&](absl::string_view message) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", message));
  };
  auto bytes = readFile(path);
  if (!bytes.ok())
    return bytes.status();
  ::onnx::TensorProto proto;
  if (bytes->empty() || bytes->size() > std::numeric_limits<int32_t>::max() ||
      !proto.ParseFromArray(bytes->data(), bytes->size()))
    return fail("is not an ONNX tensor");
  ExternalData external(path);
  auto data = takeTensor(proto, external);
  if (!data.ok())
    return fail(data.status().message());
  settle(*data);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  TensorPool pool(&context);
  return interp::fromAttribute(pool.intern(*data));
}

} // namespace aac::onnx
