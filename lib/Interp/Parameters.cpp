//===- Parameters.cpp - what inferences on one suite share ----------------===//
#include "aac/Interp/Parameters.h"

#include "aac/Interp/Attributes.h"
#include "aac/Interp/Formats.h"
#include "aac/Interp/Kernels.h"

#include "absl/strings/str_cat.h"
#include "dialects/AAC/AACDialect.h"
#include <mutex>

using namespace mlir;
using namespace aac;
using namespace aac::interp;

struct Parameters::Entry {
  ir::ParamOp param;
  std::mutex lock; // of what follows
  std::shared_ptr<const Tensor> values;
  std::shared_ptr<const PackedMatrix> packed;

  absl::StatusOr<Tensor> read() {
    Attribute format = param.getFormatAttr();
    absl::StatusOr<Tensor> tensor =
        format ? decode(param.getValue(), format) : fromAttribute(param.getValue());
    if (!tensor.ok())
      return named(tensor.status());
    return tensor;
  }
  absl::Status named(const absl::Status &status) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter @", param.getSymName().str(), ": ", status.message()));
  }
};

Parameters::Parameters(Operation *suite) {
  for (auto param : cast<ir::SuiteOp>(suite).getOps<ir::ParamOp>()) {
    auto entry = std::make_unique<Entry>();
    entry->param = param;
    entries[param.getSymNameAttr()] = std::move(entry);
  }
}

Parameters::~Parameters() = default;

absl::StatusOr<Parameters::Entry *> Parameters::find(StringAttr name) {
  auto found = entries.find(name);
  if (found == entries.end())
    return absl::InvalidArgumentError(
        absl::StrCat("there is no parameter @", name.getValue().str()));
  return found->second.get();
}

absl::StatusOr<std::shared_ptr<const Tensor>> Parameters::values(StringAttr name) {
  absl::StatusOr<Entry *> entry = find(name);
  if (!entry.ok())
    return entry.status();
  std::lock_guard<std::mutex> guard((*entry)->lock);
  if (!(*entry)->values) {
    absl::StatusOr<Tensor> tensor = (*entry)->read();
    if (!tensor.ok())
      return tensor.status();
    (*entry)->values = std::make_shared<const Tensor>(*std::move(tensor));
  }
  return (*entry)->values;
}

absl::StatusOr<std::shared_ptr<const PackedMatrix>> Parameters::packed(StringAttr name) {
  absl::StatusOr<Entry *> entry = find(name);
  if (!entry.ok())
    return entry.status();
  std::lock_guard<std::mutex> guard((*entry)->lock);
  if (!(*entry)->packed) {
    absl::StatusOr<Tensor> tensor = (*entry)->read();
    if (!tensor.ok())
      return tensor.status();
    auto packed = packWeight(*tensor);
    if (!packed.ok())
      return (*entry)->named(packed.status());
    (*entry)->packed = *std::move(packed);
  }
  return (*entry)->packed;
}
