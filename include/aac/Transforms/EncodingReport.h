//===- EncodingReport.h - how a suite's parameters are stored ---*- C++ -*-===//
#ifndef AAC_TRANSFORMS_ENCODINGREPORT_H
#define AAC_TRANSFORMS_ENCODINGREPORT_H

#include "aac/Cost/Encoding.h"
#include "aac/Machine/Machine.h"
#include "dialects/AAC/AACDialect.h"

namespace aac {

/// Sizes and entropies of what aac-encode stored and aac-place placed, and for each tier of
/// `machine`, if given, whose cells hold several bits or may be wrong the cells taken and the order
/// of bits that the errors favour. Of a suite that is quantised and not encoded, in whatever
/// formats: what its parameters take as dense codes. Linear in the bytes, on all cores. Fails with
/// an error where a parameter's codes are missing.
mlir::FailureOr<cost::Encoding> reportEncoding(ir::SuiteOp suite, const Machine *machine);

} // namespace aac

#endif // AAC_TRANSFORMS_ENCODINGREPORT_H
