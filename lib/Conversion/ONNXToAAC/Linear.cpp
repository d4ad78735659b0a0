//===- Linear.cpp - recognises y = x W' + b -------------------------------===//
//
// MatMul with a constant right-hand side, Gemm, Einsum that contracts trailing axes of x with
// a constant; an Add of a constant vector around any of them, in either order; and products
// with scalars before or behind, which become the linear's scale.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

bool raise::isVector(const Constant &constant, int64_t width) {
  return constant.size() == width && !constant.shape.empty() && constant.shape.back() == width;
}

/// True when `constant` has as many elements as the product's features and lies along its last
/// axes: a vector, or [heads, size] for a projection to heads.
static bool isBias(const Constant &constant, Value product, int64_t width) {
  if (isVector(constant, width))
    return true;
  size_t axes = std::min<size_t>(constant.shape.size(), 2);
  return axes == 2 && constant.size() == width && shapeOf(product).size() == 4 &&
         shapeOf(product).take_back(2) == ArrayRef<int64_t>(constant.shape).take_back(2);
}

/// MatMul(x, W[in, out]).
static std::optional<LinearParts> matMulParts(Graph &graph, onnx::MatMulOp op, std::string &why) {
  ArrayRef<int64_t> shape = shapeOf(op.getB());
  std::optional<Constant> weight = graph.constant(op.getB());
  if (!weight)
    return std::nullopt;
  bool isMatrix =
      shape.size() == 2 || (!weight->transposed && shape.size() > 2 &&
                            llvm::all_of(shape.drop_back(2), [](int64_t d) { return d == 1; }));
  if (!isMatrix || shapeOf(op.getA()).size() < std::max<size_t>(shape.size(), 2)) {
    why = "MatMul of " + shapeText(shapeOf(op.getA())) + " by constant " + shapeText(shape) +
          " is no linear: the weight must be a matrix";
    return std::nullopt;
  }
  shape = shape.take_back(2);
  return LinearParts{op.getA(), *weight, true, std::nullopt, shape[0], shape[1]};
}

/// Gemm(x, W, bias) with x as it is; alpha = beta becomes the scale.
static std::optional<LinearParts> gemmParts(Graph &graph, onnx::GemmOp op, std::string &why) {
  std::optional<Constant> weight = graph.constant(op.getB());
  ArrayRef<int64_t> shape = shapeOf(op.getB());
  if (!weight || shape.size() != 2) {
    why = "Gemm whose second operand is no constant matrix";
    return std::nullopt;
  }
  if (op.getTransA()) {
    why = "Gemm with transA = 1 is no linear";
    return std::nullopt;
  }
  float alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  bool hasBias = !isa<NoneType>(op.getC().getType()) && beta != 0;
  if (hasBias && alpha != beta) {
    why = "Gemm with alpha = " + floatText(alpha) + " and beta = " + floatText(beta) +
          ", a linear scales its product and its bias alike";
    return std::nullopt;
  }
  bool transB = op.getTransB() != 0;
  LinearParts parts{
      op.getA(), *weight, !transB, std::nullopt, shape[transB ? 1 : 0], shape[transB ? 0 : 1]};
  parts.scale = alpha;
  if (hasBias) {
    parts.bias = graph.constant(op.getC());
    if (!parts.bias || !isVector(*parts.bias, parts.out)) {
      why = "Gemm whose third operand is no constant vector of " + std::to_string(parts.out);
      return std::nullopt;
    }
  }
  return parts;
}

/// Einsum "x.. k, k o -> x.. o" where k and o may be several indices: k the last ones of x, in
/// one run and in the same order in the weight; o in one run in the weight and last in the
/// result.
static std::optional<LinearParts> einsumParts(Graph &graph, onnx::EinsumOp op, std::string &why) {
  if (op.getInputs().size() != 2)
    return std::nullopt;
  std::string problem;
  std::optional<onnx::EinsumTerms> terms = onnx::parseEinsum(op, problem);
  std::optional<Constant> weight = graph.constant(op.getInputs()[1]);
  if (!terms || !weight)
    return std::nullopt;
  std::string x = terms->inputs[0], w = terms->inputs[1], y = terms->output;
  auto refuse = [&](const char *reason) {
    why = "Einsum \"" + op.getEquation().str() + "\": " + reason;
    return std::nullopt;
  };
  // y = kept indices of x, then o; x = kept, then k.
  size_t kept = 0;
  while (kept < x.size() && kept < y.size() && x[kept] == y[kept])
    ++kept;
  std::string k = x.substr(kept), o = y.substr(kept);
  bool inOut = w == k + o, outIn = w == o + k;
  if (kept == 0 || k.empty() || o.empty() || (!inOut && !outIn))
    return refuse("not a product of the last axes of an activation with a constant");
  if (weight->transposed && w.size() != 2)
    return refuse("transposed weight of more than two axes");
  // Several output axes are a projection to heads: their features side by side.
  ArrayRef<int64_t> shape = shapeOf(op.getInputs()[1]);
  LinearParts parts{op.getInputs()[0], *weight, inOut, std::nullopt, 1, 1};
  size_t first = (inOut ? k : o).size();
  for (auto [i, size] : llvm::enumerate(shape))
    ((i < first) == inOut ? parts.in : parts.out) *= size;
  return parts;
}

static std::optional<LinearParts> productParts(Graph &graph, Value value, std::string &why) {
  if (auto matmul = graph.as<onnx::MatMulOp>(value))
    return matMulParts(graph, matmul, why);
  if (auto gemm = graph.as<onnx::GemmOp>(value))
    return gemmParts(graph, gemm, why);
  if (auto einsum = graph.as<onnx::EinsumOp>(value))
    return einsumParts(graph, einsum, why);
  return std::nullopt;
}

/// A product, or one plus a constant vector.
static std::optional<LinearParts> unscaledParts(Graph &graph, Value value, std::string &why) {
  std::optional<LinearParts> parts = productParts(graph, value, why);
  if (parts)
    return parts;
  graph.either<onnx::AddOp>(value, [&](Value vector, Value product) {
    std::optional<Constant> bias = graph.constant(vector);
    if (!bias)
      return false;
    product = graph.canon(product);
    if (elementCount(product) != elementCount(value))
      return false;
    parts = productParts(graph, product, why);
    if (!parts)
      return false;
    if (parts->bias || parts->scale != 1.0f || !isBias(*bias, product, parts->out)) {
      why = parts->bias ? "a linear with two biases"
            : parts->scale != 1.0f
                ? "a bias added to a product scaled by " + floatText(parts->scale)
                : "constant " + shapeText(bias->shape) + " added to a product of " +
                      std::to_string(parts->out) + " features is no bias";
      parts.reset();
      return false;
    }
    parts->bias = *bias;
    return true;
  });
  return parts;
}

std::optional<LinearParts> raise::linearParts(Graph &graph, Value value, std::string &why) {
  if (!isFloat(value))
    return std::nullopt;
  size_t mark = graph.visited.size();
  Scaled scaled = graph.scaled(value);
  std::optional<LinearParts> parts = unscaledParts(graph, graph.canon(scaled.value), why);
  if (!parts) {
    graph.visited.resize(mark);
    return std::nullopt;
  }
  double factor = scaled.factor * parts->scale;
  if (!parts->bias) { // (s x) W = s (x W)
    Scaled input = graph.scaled(graph.canon(parts->input));
    factor *= input.factor;
    parts->input = input.value;
  }
  parts->scale = static_cast<float>(factor);
  if (!std::isfinite(parts->scale)) {
    why = "a linear scaled by " + floatText(parts->scale);
    return std::nullopt;
  }
  parts->input = graph.canon(parts->input);
  return parts;
}

/// "a.b.weight" from "a.b.bias" (or the other way) where the file names only one of the two.
static std::string sibling(StringRef name, StringRef from, StringRef to) {
  return name.ends_with(from) ? (name.drop_back(from.size()) + to).str() : std::string();
}

std::pair<std::string, std::string> raise::linearNames(const LinearParts &parts) {
  std::string weight = meaningfulName(parts.weight.name);
  std::string bias = parts.bias ? meaningfulName(parts.bias->name) : "";
  if (weight.empty())
    weight = sibling(bias, ".bias", ".weight");
  else if (bias.empty())
    bias = sibling(weight, ".weight", ".bias");
  return {weight, bias};
}

Value raise::emitLinear(Emitter &emitter, const LinearParts &parts, Value input) {
  if (lastDim(input) != parts.in)
    return emitter.fail("its input has " + std::to_string(lastDim(input)) +
                        " features here, the weight takes " + std::to_string(parts.in));
  auto [name, biasName] = linearNames(parts);
  Value weight = emitter.matrix(parts.weight, parts.inOut, parts.out, parts.in, name);
  Value bias;
  if (parts.bias)
    bias = emitter.tensor(*parts.bias, {parts.out}, biasName);
  if (!weight || (parts.bias && !bias))
    return emitter.fail("the data of its weight or bias is missing");
  return ir::LinearOp::create(emitter.builder, emitter.loc, emitter.withWidth(input, parts.out),
                              input, weight, bias, /*format=*/nullptr, /*absmax=*/nullptr,
                              /*buffer=*/nullptr, llvm::APFloat(parts.scale));
}

bool raise::matchLinear(Graph &graph, Value value, Match &match, std::string &why) {
  std::optional<LinearParts> parts = linearParts(graph, value, why);
  if (!parts) {
    if (value.getDefiningOp<onnx::MulOp>() && why.empty())
      graph.either<onnx::MulOp>(value, [&](Value vector, Value) {
        if (std::optional<Constant> constant = graph.constant(vector);
            constant && constant->size() > 1)
          why = "product with constant " + shapeText(constant->shape) +
                ", only products with scalars are supported";
        return false;
      });
    return false;
  }
  match.pattern = "linear";
  match.inputs = {parts->input};
  match.emit = [parts = *parts](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    return emitLinear(emitter, parts, inputs[0]);
  };
  return true;
}
