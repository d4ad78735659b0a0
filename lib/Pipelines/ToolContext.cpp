//===- ToolContext.cpp - the MLIR context of the command-line tools -------===//
#include "aac/Pipelines/ToolContext.h"

#include "aac/InitAll.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace aac {

/// Names in `loc`, outermost first, each once: a node's own, not those of its values.
static void collectNames(Location loc, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName());
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location inner : fused.getLocations())
      collectNames(inner, names);
}

std::string describeLocation(Location loc) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':' << file.getLine() << ':' << file.getColumn();
    return text;
  }
  llvm::SetVector<StringRef> names;
  collectNames(loc, names);
  if (names.empty())
    return text;
  os << '"' << names.front() << '"';
  if (names.size() > 1)
    os << " and " << names.size() - 1 << " more";
  return text;
}

std::unique_ptr<MLIRContext> makeToolContext(std::string tool, bool remarks) {
  DialectRegistry registry;
  registerAllDialects(registry);
  auto context = std::make_unique<MLIRContext>(registry);
  context->loadAllAvailableDialects();
  context->printOpOnDiagnostic(false);
  context->getDiagEngine().registerHandler(
      [tool = std::move(tool), remarks](Diagnostic &diagnostic) {
        auto print = [&](Diagnostic &d, const char *severity) {
          std::string where = describeLocation(d.getLocation());
          llvm::errs() << tool << ": " << severity << ": " << where << (where.empty() ? "" : ": ")
                       << d.str() << "\n";
        };
        switch (diagnostic.getSeverity()) {
        case DiagnosticSeverity::Error:
          print(diagnostic, "error");
          break;
        case DiagnosticSeverity::Warning:
          print(diagnostic, "warning");
          break;
        case DiagnosticSeverity::Note:
        case DiagnosticSeverity::Remark:
          if (!remarks)
            return success();
          print(diagnostic, "note");
          break;
        }
        for (Diagnostic &note : diagnostic.getNotes())
          print(note, "note");
        return success();
      });
  return context;
}

} // namespace aac
