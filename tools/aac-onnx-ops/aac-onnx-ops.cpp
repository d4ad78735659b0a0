//===- aac-onnx-ops.cpp - the page of supported ONNX operators ------------===//
//
// Prints Markdown to standard output, from the importer's table and the dialect's
// definitions; `./run docs` calls it.
//
//===----------------------------------------------------------------------===//
#include "aac/Import/ONNX.h"

#include <iostream>

int main() { std::cout << aac::onnx::supportedOperators(); }
