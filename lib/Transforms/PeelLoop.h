//===- PeelLoop.h - the first repetition of a loop by itself ----*- C++ -*-===//
#ifndef AAC_LIB_TRANSFORMS_PEELLOOP_H
#define AAC_LIB_TRANSFORMS_PEELLOOP_H

#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/IRMapping.h"

namespace aac {

/// Writes the first repetition of `loop` out before it. `copies` gets what each operation of the
/// body became. A loop that had two repetitions is written out whole: `loop` is erased and
/// `second` gets the copies of its second one; otherwise `second` stays empty.
void peelFirst(ir::LoopOp loop, mlir::IRMapping &copies, mlir::IRMapping &second);

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_PEELLOOP_H
