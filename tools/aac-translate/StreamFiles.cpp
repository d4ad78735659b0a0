//===- StreamFiles.cpp - --export-stream and --import-stream --------------===//
#include "Translations.h"

#include "aac/Support/File.h"
#include "aac/Target/StreamTarget.h"
#include "absl/strings/str_cat.h"

using namespace mlir;

namespace aac::tool {
namespace {

absl::Status checkOneInput(const Arguments &arguments) {
  if (arguments.inputs.size() == 1)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected one input file, got ", arguments.inputs.size()));
}

/// `status` with the input named before its message.
absl::Status about(const Arguments &arguments, const absl::Status &status) {
  return absl::Status(status.code(),
                      absl::StrCat(arguments.inputs.front(), ": ", status.message()));
}

} // namespace

absl::Status translateExportStream(const Arguments &arguments) {
  if (auto status = checkOneInput(arguments); !status.ok())
    return status;
  auto context = makeContext();
  auto module = readModule(*context, arguments.inputs.front());
  if (!module.ok())
    return module.status();
  auto bytes = exportStream(**module);
  return bytes.ok() ? writeFileAtomically(arguments.output, *bytes)
                    : about(arguments, bytes.status());
}

absl::Status translateImportStream(const Arguments &arguments) {
  if (auto status = checkOneInput(arguments); !status.ok())
    return status;
  auto bytes = readFile(arguments.inputs.front());
  if (!bytes.ok())
    return bytes.status();
  auto context = makeContext();
  auto module = importStream(*bytes, *context);
  if (!module.ok())
    return about(arguments, module.status());
  return writeModule(**module, arguments);
}

} // namespace aac::tool
