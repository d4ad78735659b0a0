//===- SupportedOps.cpp - the page of supported operators -----------------===//
#include "OpTable.h"
#include "Reader.h"

#include "aac/Import/ONNX.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/MLIRContext.h"
#include <algorithm>

using namespace mlir;

namespace aac::onnx {
namespace {

const char kHead[] = R"(# Supported ONNX operators

Generated from the importer's table and the dialect's definitions (`aac-onnx-ops`). A model with
any other operator is refused in one message that names all such nodes; so are operators of other
domains, control flow (`If`, `Loop`, `Scan`) with what is inside, functions, sequences, strings and
sparse tensors. Importing and `aac eval` take all of the operators below; the compiler goes on with
those graphs that it recognises as a transformer encoder (docs/raising.md).

)";

const char kForms[] = R"(
## Forms by opset

What only some opsets have; inputs count from 0. In another opset it is refused by name, as ONNX's
own checker does. `Softmax` and `LogSoftmax` flatten and have axis 1 by default before opset 13;
`Pad` wraps from 19 on; scales along an axis are from 13 on. Scales of blocks (`block_size` other
than 0) are refused. Two things are taken in every opset
because they can mean only one thing: element types that an operator got later, and `Split`
into equal parts without sizes or a count.

| operator | form | opsets |
|---|---|---|
)";

std::string inputsText(const OpSpec &spec) {
  if (spec.maxInputs < 0)
    return absl::StrCat(spec.minInputs, " or more");
  if (spec.minInputs == spec.maxInputs)
    return absl::StrCat(spec.minInputs);
  return absl::StrCat(spec.minInputs, " to ", spec.maxInputs);
}

} // namespace

std::string supportedOperators() {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<ONNXDialect>();
  std::string page =
      absl::StrCat(kHead, "| operator | opsets | inputs | attributes of the `onnx` operation |\n"
                          "|---|---|---|---|\n");
  for (const OpSpec &spec : opTable()) {
    // A node that becomes another operation has none of its own name.
    auto name = RegisteredOperationName::lookup(absl::StrCat("onnx.", spec.name), &context);
    std::vector<std::string> attributes;
    if (name)
      for (StringAttr attribute : name->getAttributeNames())
        attributes.push_back(absl::StrCat("`", attribute.str(), "`"));
    absl::StrAppend(&page, "| `", spec.name, "` | ", std::max(spec.sinceOpset, kOldestOpset),
                    " to ", kNewestOpset, " | ", inputsText(spec), " | ",
                    name ? absl::StrJoin(attributes, ", ") : "becomes another operation", " |\n");
  }
  absl::StrAppend(&page, kForms);
  for (const OpForm &form : opForms()) {
    if (form.firstOpset > kNewestOpset)
      continue;
    std::string what = form.attribute ? absl::StrCat("attribute `", form.attribute, "`")
                                      : absl::StrCat("input ", form.input);
    std::string opsets =
        form.lastOpset < kOldestOpset ? absl::StrCat("up to ", form.lastOpset, ": refused")
        : form.lastOpset == kNoEnd
            ? absl::StrCat(std::max(form.firstOpset, kOldestOpset), " to ", kNewestOpset)
            : absl::StrCat(std::max(form.firstOpset, kOldestOpset), " to ", form.lastOpset);
    absl::StrAppend(&page, "| `", form.op, "` | ", what, " | ", opsets, " |\n");
  }
  absl::StrAppend(&page, "\nElement types of tensors: ");
  std::vector<std::string> types;
  for (int32_t type = 0; type < 32; ++type)
    if (dataTypeSize(type) != 0)
      types.push_back(dataTypeName(type));
  absl::StrAppend(&page, absl::StrJoin(types, ", "), ". Floats of other widths become float.\n");
  return page;
}

} // namespace aac::onnx
