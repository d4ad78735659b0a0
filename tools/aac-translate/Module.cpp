//===- Module.cpp - modules in and out ------------------------------------===//
#include "Translations.h"

#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "dialects/AAC/AACDialect.h"
#include "dialects/Cmd/CmdDialect.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <iostream>
#include <unistd.h>

using namespace mlir;

namespace aac::tool {

absl::Status alreadyPrinted() { return absl::InvalidArgumentError(""); }

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registry.insert<onnx::ONNXDialect, ir::AACDialect, cmd::CmdDialect>();
  auto context = std::make_unique<MLIRContext>(registry);
  context->loadAllAvailableDialects();
  context->getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
      return success();
    std::cerr << "aac-translate: "
              << (diagnostic.getSeverity() == DiagnosticSeverity::Error ? "error: " : "warning: ");
    if (auto file = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
      std::cerr << file.getFilename().str() << ':' << file.getLine() << ':' << file.getColumn()
                << ": ";
    std::cerr << diagnostic.str() << "\n";
    return success();
  });
  return context;
}

absl::Status writeModule(ModuleOp module, const Arguments &arguments) {
  bool terminal = arguments.output == "-" && isatty(STDOUT_FILENO);
  bool text = arguments.emitText || (terminal && !arguments.emitBytecode);
  auto file = AtomicFile::create(arguments.output);
  if (!file.ok())
    return file.status();
  std::error_code error;
  {
    llvm::raw_fd_ostream os(file->descriptor(), /*shouldClose=*/false);
    if (text) {
      OpPrintingFlags flags;
      if (arguments.printLocations)
        flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
      module->print(os, flags);
      os << "\n";
    } else if (failed(writeBytecodeToFile(module, os))) {
      return absl::InternalError("cannot write bytecode");
    }
    os.flush();
    error = os.error();
    os.clear_error();
  }
  return file->commit(error.value());
}

absl::StatusOr<OwningOpRef<ModuleOp>> readModule(MLIRContext &context, const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return absl::InvalidArgumentError(
        absl::StrCat("cannot open ", path, ": ", buffer.getError().message()));
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    return alreadyPrinted();
  return module;
}

} // namespace aac::tool
