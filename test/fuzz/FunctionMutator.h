//===- FunctionMutator.h - mutations of a model's functions -----*- C++ -*-===//
#ifndef AAC_TEST_FUZZ_FUNCTIONMUTATOR_H
#define AAC_TEST_FUZZ_FUNCTIONMUTATOR_H

#include AAC_ONNX_PB_H

#include <random>

namespace aac::fuzz {

/// One mutation that makes, calls or changes functions of `model`.
void mutateFunctions(::onnx::ModelProto &model, std::minstd_rand &random);

/// Calls one of `model`'s functions on values of the graph; nothing without functions.
void callFunction(::onnx::ModelProto &model, std::minstd_rand &random);

} // namespace aac::fuzz

#endif // AAC_TEST_FUZZ_FUNCTIONMUTATOR_H
