//===- Check.h - proves that a stream is safe to run ------------*- C++ -*-===//
//
// Follows every program instruction by instruction, loops in full, over what is known of
// memory without running anything: which bytes are written, which stored bytes they are
// and which mask words. Shares with the compiler and the simulator only the instruction
// table and the machine.
//
// Proved, for power-on, every switch program and every run program after them:
//  - every field is in the range that the machine allows, every address in one tier that
//    is on, every row and word in its memory;
//  - nothing is read that nothing has written. The engine's memories count as unwritten
//    when a run begins, and a run may rest only on what images, power-on and the switch
//    to its task stored;
//  - no command conflicts with one of another unit that may still be running: each unit
//    runs one command at a time, and only `wait` (or the next command of the same unit)
//    makes sure that it is done;
//  - RRAM is never written, nor are images, nor what power-on stored;
//  - a run overwrites nothing that the next inference needs;
//  - no program reads an image that its tasks do not own;
//  - an operation's result does not overlap its operands, but for element-wise work in
//    place.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_STREAM_CHECK_H
#define AAC_STREAM_CHECK_H

#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "absl/status/status.h"

namespace aac {

/// Ok if `stream` is safe on `machine`. The message has one line for each fault (at most 20),
/// with program, instruction, its location and the repetition of the loop.
absl::Status checkStream(const Stream &stream, const Machine &machine);

} // namespace aac

#endif // AAC_STREAM_CHECK_H
