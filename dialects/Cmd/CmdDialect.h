//===- CmdDialect.h - the cmd dialect ---------------------------*- C++ -*-===//
#ifndef AAC_DIALECTS_CMD_CMDDIALECT_H
#define AAC_DIALECTS_CMD_CMDDIALECT_H

#include "aac/ISA/Instruction.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"

namespace aac::cmd {
/// Gives the instruction operation `state` the values of its fields, in the table's order.
void buildInstruction(mlir::OpBuilder &builder, mlir::OperationState &state,
                      llvm::ArrayRef<int64_t> values);
} // namespace aac::cmd

#include "dialects/Cmd/CmdDialect.h.inc"
#include "dialects/Cmd/CmdEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Cmd/CmdAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Cmd/CmdOps.h.inc"

namespace aac::cmd {

/// Whether `op` is an instruction, not a part of the stream around it.
bool isInstruction(mlir::Operation *op);

/// Makes the operation of `instruction` at the builder's insertion point, which should be in
/// a cmd.program. Fields are not checked here; the verifier does that.
mlir::Operation *createInstruction(mlir::OpBuilder &builder, mlir::Location loc,
                                   const isa::Instruction &instruction);

/// The instruction that `op` stands for. Fails with a diagnostic if `op` is none.
mlir::FailureOr<isa::Instruction> toInstruction(mlir::Operation *op);

/// `base` marked with the op and layer that instructions made there come from.
mlir::Location withOrigin(mlir::Location base, llvm::StringRef op, llvm::StringRef layer);

/// What a location says to the stream: `node` are the names in it, each once in the order of
/// their appearance, joined by ';'; `op` and `layer` those of the first #cmd.origin.
struct Origin {
  std::string node, op, layer;
  bool empty() const { return node.empty() && op.empty() && layer.empty(); }
};
Origin originOf(mlir::Location loc);

} // namespace aac::cmd

#endif // AAC_DIALECTS_CMD_CMDDIALECT_H
