//===- TensorPool.cpp - equal tensors once --------------------------------===//
#include "TensorPool.h"

#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Format.h"
#include <cstring>

using namespace mlir;

namespace aac::onnx {
namespace {

/// Resources of this alignment also load from bytecode in memory that malloc gave.
constexpr size_t kAlignment = 16;

constexpr int64_t kDenseIntegers = 4096;

} // namespace

ElementsAttr TensorPool::intern(TensorData &tensor) {
  auto type = RankedTensorType::get(tensor.dims, elementType(context, tensor.dataType));
  Type element = type.getElementType();
  int64_t count = type.getNumElements();
  std::string &bytes = *tensor.bytes;
  if (element.isInteger(1)) {
    SmallVector<bool> bits;
    for (char c : bytes)
      bits.push_back(c != 0);
    return DenseElementsAttr::get(type, bits);
  }
  if (count <= 1 || (!isa<FloatType>(element) && count <= kDenseIntegers))
    return DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes.data(), bytes.size()));

  auto [begin, end] = resources.equal_range(tensor.hash);
  for (auto it = begin; it != end; ++it) {
    ArrayRef<char> held = it->second.getBlob()->getData();
    if (held.size() == bytes.size() &&
        (held.data() == bytes.data() ||
         std::memcmp(held.data(), bytes.data(), bytes.size()) == 0)) {
      tensor.bytes.reset();
      return DenseResourceElementsAttr::get(type, it->second);
    }
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0) {
    auto copy = std::make_shared<std::string>();
    copy->reserve(std::max<size_t>(bytes.size(), 64)); // on the heap: aligned by malloc
    copy->assign(bytes);
    tensor.bytes = std::move(copy);
  }
  std::shared_ptr<std::string> owned = std::move(tensor.bytes);
  ArrayRef<char> data(owned->data(), owned->size());
  AsmResourceBlob blob(
      data, kAlignment, [owned = std::move(owned)](void *, size_t, size_t) {},
      /*dataIsMutable=*/false);
  std::string name;
  llvm::raw_string_ostream(name) << 'h' << llvm::format_hex_no_prefix(tensor.hash, 16);
  auto &manager = DenseResourceElementsHandle::getManagerInterface(context);
  DenseResourceElementsHandle handle = manager.insert(name, std::move(blob));
  resources.emplace(tensor.hash, handle);
  return DenseResourceElementsAttr::get(type, handle);
}

} // namespace aac::onnx
