//===- AddTask.h - a task added to a suite that is compiled already -*- C++ -*-===//
//
// What a device holds already must not change: the stored bytes of shared parameters and their
// addresses, the programs of the other tasks. So a task is added in four steps:
//
//   1. pinToStored proves which of its parameters are stored already and pins their formats
//   2. the compress pipeline (without encode) runs on the new task alone
//   3. linkToStored moves it into the placed suite, where it reads what is stored
//   4. encode, place and tile treat what has bytes, an address or a tile as given
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TRANSFORMS_ADDTASK_H
#define AAC_TRANSFORMS_ADDTASK_H

#include "dialects/AAC/AACDialect.h"

namespace aac {

/// On a parameter of the new task: the symbol of the stored parameter that it is.
inline constexpr llvm::StringLiteral kStoredAsAttr = "aac.stored_as";
/// On a parameter: the `#aac.af` format that aac-quantise must give it.
inline constexpr llvm::StringLiteral kPinnedAttr = "aac.pinned";

/// Marks the parameters of `added` (as raised) that `stored` (as placed) holds for several
/// tasks: equal content hash, type and role, and equal f32 bytes in `original`, the suite as
/// raised that `stored` was compiled from. Fails with one error that lists every parameter of
/// the backbone (embedding, attention, ffn) that is not there and what the nearest one of its
/// type and role differs in; a frozen parameter of a task role (pooler, layer norm) that
/// differs in a tenth of its elements or less is listed too. With `allowFork` such parameters
/// become the new task's own.
mlir::LogicalResult pinToStored(ir::SuiteOp added, ir::SuiteOp original, ir::SuiteOp stored,
                                bool allowFork);

/// Moves the tasks of `added`, quantised, with the parameters that are theirs alone into
/// `stored`. Fails where a parameter that is stored would have become other codes.
mlir::LogicalResult linkToStored(ir::SuiteOp added, ir::SuiteOp stored);

/// Moves the tasks of `added` and their parameters into `original`, both as raised; equal values
/// become one resource.
void linkOriginals(ir::SuiteOp added, ir::SuiteOp original);

} // namespace aac

#endif // AAC_TRANSFORMS_ADDTASK_H
