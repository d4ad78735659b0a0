//===- Share.cpp - aac share: who uses which parameter --------------------===//
#include "Common.h"

#include "aac/Pipelines/ToolContext.h"

#include "aac/Pipelines/ImportPipeline.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/Sharing.h"
#include "mlir/Pass/PassManager.h"
#include <memory>

using namespace mlir;

namespace aac::tool {
namespace {

struct ShareArguments {
  OnnxArguments onnx;
  bool json = false;
  std::string merge = "equal";
  bool explain = false;
};

void share(const ShareArguments &arguments) {
  std::unique_ptr<MLIRContext> context = makeToolContext("aac", arguments.explain);
  OwningOpRef<ModuleOp> module = arguments.onnx.import(*context);
  PassManager pm(context.get());
  buildImportPipeline(pm);
  SharePassOptions options;
  options.merge = arguments.merge;
  pm.addNestedPass<ir::SuiteOp>(createSharePass(options));
  pm.addNestedPass<ir::SuiteOp>(createVerifySharingPass());
  if (failed(pm.run(*module)))
    failQuietly();
  for (ir::SuiteOp suite : module->getOps<ir::SuiteOp>()) {
    FailureOr<SharingReport> report = reportSharing(suite);
    if (failed(report))
      failQuietly();
    if (arguments.json)
      report->printJson(llvm::outs());
    else
      report->printText(llvm::outs());
  }
}

} // namespace

void addShareCommand(CLI::App &app) {
  auto arguments = std::make_shared<ShareArguments>();
  CLI::App *command = app.add_subcommand(
      "share", "Say which parameters several tasks have in common, and what that saves");
  arguments->onnx.add(*command);
  command->add_flag("--json", arguments->json, "print JSON instead of a table");
  command
      ->add_option("--merge", arguments->merge,
                   "what is one parameter: equal bytes, or quantised: equal af8e3 codes, too")
      ->check(CLI::IsMember({"equal", "quantised"}));
  command->add_flag("--explain", arguments->explain,
                    "print remarks: which nodes are not part of a larger operation, and why");
  command->footer("Example:\n  aac share sst2=sst2.onnx mnli=mnli.onnx");
  command->callback([arguments] { share(*arguments); });
}

} // namespace aac::tool
