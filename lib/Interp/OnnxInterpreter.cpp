//===- OnnxInterpreter.cpp - evaluates onnx.graph -------------------------===//
//
// One pass over the block; a value is freed after its last use.
//
//===----------------------------------------------------------------------===//
#include "aac/Interp/Attributes.h"
#include "aac/Interp/Kernels.h"
#include "aac/Interp/OnnxOps.h"
#include "dialects/ONNX/ONNXDialect.h"

#include "absl/strings/str_cat.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

using namespace mlir;
using namespace aac::onnx;

namespace aac::interp {
namespace {

using Result = absl::StatusOr<Tensor>;
using Operands = absl::Span<const Tensor *const>;

absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

RankedTensorType resultType(Operation *op, unsigned index = 0) {
  return dyn_cast<RankedTensorType>(op->getResult(index).getType());
}
std::vector<int64_t> resultShape(Operation *op, unsigned index = 0) {
  auto shape = resultType(op, index).getShape();
  return {shape.begin(), shape.end()};
}

/// Integers keep the low bits that their type has.
void wrapTo(Type element, Tensor &tensor) {
  if (tensor.kind != Kind::Integer)
    return;
  unsigned width = element.getIntOrFloatBitWidth();
  if (width >= 64 || width == 1)
    return;
  int shift = 64 - width;
  for (int64_t &v : tensor.i) {
    uint64_t up = static_cast<uint64_t>(v) << shift;
    v = element.isUnsignedInteger() ? static_cast<int64_t>(up >> shift)
                                    : static_cast<int64_t>(up) >> shift;
  }
}

std::optional<Unary> unaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Unary>>(op)
      .Case([](AbsOp) { return Unary::Abs; })
      .Case([](CeilOp) { return Unary::Ceil; })
      .Case([](CosOp) { return Unary::Cos; })
      .Case([](ErfOp) { return Unary::Erf; })
      .Case([](ExpOp) { return Unary::Exp; })
      .Case([](FloorOp) { return Unary::Floor; })
      .Case([](GeluOp gelu) {
        return gelu.getApproximate() == "tanh" ? Unary::GeluTanh : Unary::GeluErf;
      })
      .Case([](LogOp) { return Unary::Log; })
      .Case([](NegOp) { return Unary::Neg; })
      .Case([](NotOp) { return Unary::Not; })
      .Case([](ReciprocalOp) { return Unary::Reciprocal; })
      .Case([](ReluOp) { return Unary::Relu; })
      .Case([](SigmoidOp) { return Unary::Sigmoid; })
      .Case([](SignOp) { return Unary::Sign; })
      .Case([](SinOp) { return Unary::Sin; })
      .Case([](SoftplusOp) { return Unary::Softplus; })
      .Case([](SqrtOp) { return Unary::Sqrt; })
      .Case([](TanhOp) { return Unary::Tanh; })
      .Default([](Operation *) -> std::optional<Unary> { return std::nullopt; });
}

std::optional<Binary> binaryOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Binary>>(op)
      .Case<AddOp, SumOp>([](auto) { return Binary::Add; })
      .Case([](SubOp) { return Binary::Sub; })
      .Case([](MulOp) { return Binary::Mul; })
      .Case([](DivOp) { return Binary::Div; })
      .Case([](PowOp) { return Binary::Pow; })
      .Case([](MaxOp) { return Binary::Max; })
      .Case([](MinOp) { return Binary::Min; })
      .Case([](ModOp mod) { return mod.getFmod() ? Binary::Fmod : Binary::FloorMod; })
      .Case([](EqualOp) { return Binary::Equal; })
      .Case([](LessOp) { return Binary::Less; })
      .Case([](LessOrEqualOp) { return Binary::LessOrEqual; })
      .Case([](GreaterOp) { return Binary::Greater; })
      .Case([](GreaterOrEqualOp) { return Binary::GreaterOrEqual; })
      .Case([](AndOp) { return Binary::And; })
      .Case([](OrOp) { return Binary::Or; })
      .Case([](XorOp) { return Binary::Xor; })
      .Default([](Operation *) -> std::optional<Binary> { return std::nullopt; });
}

std::optional<Reduction> reductionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Reduction>>(op)
      .Case<ReduceL1Op, ReduceL2Op, ReduceLogSumOp, ReduceLogSumExpOp, ReduceSumSquareOp>(
          [](auto) { return Reduction::Sum; })
      .Case([](ReduceMaxOp) { return Reduction::Max; })
      .Case([](ReduceMeanOp) { return Reduction::Mean; })
      .Case([](ReduceMinOp) { return Reduction::Min; })
      .Case([](ReduceProdOp) { return Reduction::Prod; })
      .Case([](ReduceSumOp) { return Reduction::Sum; })
      .Default([](Operation *) -> std::optional<Reduction> { return std::nullopt; });
}

/// f32 to int64: truncated, saturated; NaN is 0.
int64_t toInteger(float value) {
  if (std::isnan(value))
    return 0;
  if (value >= 9223372036854775808.0f)
    return std::numeric_limits<int64_t>::max();
  if (value < -9223372036854775808.0f)
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

Tensor castTo(const Tensor &x, Type element) {
  if (isa<FloatType>(element)) {
    if (x.kind == Kind::Float)
      return x;
    Tensor y = Tensor::floats(x.shape);
    std::copy(x.i.begin(), x.i.end(), y.f.begin());
    return y;
  }
  Tensor y = Tensor::integers(x.shape);
  bool toBool = element.isInteger(1);
  for (size_t n = 0; n < y.i.size(); ++n) {
    if (x.kind == Kind::Float)
      y.i[n] = toBool ? x.f[n] != 0.0f : toInteger(x.f[n]);
    else
      y.i[n] = toBool ? x.i[n] != 0 : x.i[n];
  }
  return y;
}

Result evaluateSlice(SliceOp op, Operands in) {
  const Tensor &x = *in[0];
  size_t rank = x.shape.size();
  Shape starts(rank, 0), steps(rank, 1), counts = x.shape;
  for (int index : {2, 3, 4})
    if (in[index] && in[index]->i.size() != in[1]->i.size())
      return bad("starts, ends, axes and steps differ in length");
  for (size_t n = 0; n < in[1]->i.size(); ++n) {
    int64_t axis = in[3] ? in[3]->i[n] : n;
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= static_cast<int64_t>(rank))
      return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
    auto range = resolveSlice(in[1]->i[n], in[2]->i[n], in[4] ? in[4]->i[n] : 1, x.shape[axis]);
    if (!range)
      return bad("step must not be 0");
    starts[axis] = range->start;
    steps[axis] = range->step;
    counts[axis] = range->count;
  }
  return slice(x, starts, steps, counts);
}

template <typename Fn> Tensor mapFloats(Tensor x, Fn fn) {
  std::transform(x.f.begin(), x.f.end(), x.f.begin(), fn);
  return x;
}

/// Sums of |x|, of squares and of exponentials, some with a root or logarithm around them.
Result evaluateNorm(Operation *op, const Tensor &x, absl::Span<const int64_t> axes, bool keep) {
  auto sum = [&](const Tensor &terms) { return reduce(Reduction::Sum, terms, axes, keep); };
  auto square = [](float v) { return v * v; };
  if (isa<ReduceL1Op>(op))
    return sum(mapFloats(x, [](float v) { return std::fabs(v); }));
  if (isa<ReduceSumSquareOp>(op))
    return sum(mapFloats(x, square));
  if (isa<ReduceL2Op>(op)) {
    Result y = sum(mapFloats(x, square));
    return y.ok() ? mapFloats(*std::move(y), [](float v) { return std::sqrt(v); }) : y;
  }
  auto logarithm = [](float v) { return std::log(v); };
  if (isa<ReduceLogSumOp>(op)) {
    Result y = sum(x);
    return y.ok() ? mapFloats(*std::move(y), logarithm) : y;
  }
  // log sum exp(x) = m + log sum exp(x - m), m the largest, where that is finite.
  auto largest = reduce(Reduction::Max, x, axes, /*keepDims=*/true);
  if (!largest.ok())
    return largest;
  Tensor m = mapFloats(*std::move(largest), [](float v) { return std::isfinite(v) ? v : 0.0f; });
  Result shifted = binary(Binary::Sub, x, m);
  if (!shifted.ok())
    return shifted;
  Result y = sum(mapFloats(*std::move(shifted), [](float v) { return std::exp(v); }));
  if (!y.ok())
    return y;
  m.shape = y->shape;
  return binary(Binary::Add, mapFloats(*std::move(y), logarithm), m);
}

Result evaluateReduce(Operation *op, Reduction reduction, Operands in) {
  int64_t rank = in[0]->shape.size();
  SmallVector<int64_t> axes;
  if (auto given = op->getAttrOfType<DenseI64ArrayAttr>("axes")) {
    auto resolved = resolveAxes(given.asArrayRef(), rank);
    if (!resolved)
      return bad("axes are outside the rank");
    axes = *resolved;
  } else {
    for (int64_t axis = 0; axis < rank; ++axis)
      axes.push_back(axis);
  }
  auto keep = op->getAttrOfType<IntegerAttr>("keepdims");
  if (isa<ReduceL1Op, ReduceL2Op, ReduceLogSumOp, ReduceLogSumExpOp, ReduceSumSquareOp>(op))
    return evaluateNorm(op, *in[0], absl::MakeSpan(axes.data(), axes.size()),
                        !keep || keep.getInt() != 0);
  return reduce(reduction, *in[0], absl::MakeSpan(axes.data(), axes.size()),
                !keep || keep.getInt() != 0);
}

Result evaluateConstantOfShape(ConstantOfShapeOp op) {
  Tensor value = Tensor::floats({});
  if (auto given = op.getValue()) {
    auto one = fromAttribute(*given);
    if (!one.ok())
      return one.status();
    value = *std::move(one);
    value.shape = {};
  }
  return broadcastTo(value, resultShape(op));
}

Result evaluateClip(Operands in) {
  Result y = *in[0];
  if (in[1])
    y = binary(Binary::Max, *y, *in[1]);
  if (y.ok() && in[2])
    y = binary(Binary::Min, *y, *in[2]);
  if (y.ok())
    y->shape = in[0]->shape; // min and max may be [1]
  return y;
}

Result evaluateEinsum(EinsumOp op, Operands in) {
  std::string why;
  auto terms = parseEinsum(op, why);
  if (!terms)
    return bad(why);
  return einsum(absl::MakeSpan(terms->inputs.data(), terms->inputs.size()), terms->output, in);
}

Result evaluateRange(RangeOp op, Operands in) {
  if (in[0]->f.size() == 1 && in[2]->f.size() == 1) {
    Tensor y = Tensor::floats(resultShape(op));
    for (size_t n = 0; n < y.f.size(); ++n)
      y.f[n] = static_cast<float>(in[0]->f[0] + static_cast<double>(n) * in[2]->f[0]);
    return y;
  }
  if (in[0]->i.size() != 1 || in[2]->i.size() != 1)
    return bad("start and delta must be scalars of one type");
  Tensor y = Tensor::integers(resultShape(op));
  for (size_t n = 0; n < y.i.size(); ++n)
    y.i[n] = in[0]->i[0] + static_cast<int64_t>(n) * in[2]->i[0];
  return y;
}

absl::StatusOr<std::vector<Tensor>> evaluateSplit(SplitOp op, const Tensor &x) {
  int64_t rank = x.shape.size(), axis = op.getAxis() + (op.getAxis() < 0 ? rank : 0);
  Shape starts(rank, 0), steps(rank, 1);
  std::vector<Tensor> parts;
  for (unsigned index = 0; index < op->getNumResults(); ++index) {
    auto part = slice(x, starts, steps, resultShape(op, index));
    if (!part.ok())
      return part.status();
    starts[axis] += part->shape[axis];
    parts.push_back(*std::move(part));
  }
  return parts;
}

Result evaluatePad(PadOp op, Operands in) {
  auto mode = llvm::StringSwitch<PadMode>(op.getMode())
                  .Case("reflect", PadMode::Reflect)
                  .Case("edge", PadMode::Edge)
                  .Case("wrap", PadMode::Wrap)
                  .Default(PadMode::Constant);
  auto range = resolvePads(op, [&](Value value) -> std::optional<SmallVector<int64_t>> {
    const Tensor *tensor = value == op.getPads() ? in[1] : in[3];
    return SmallVector<int64_t>(tensor->i.begin(), tensor->i.end());
  });
  if (!range || !range->why.empty())
    return bad(range ? range->why : "its pads are not known");
  return pad(*in[0], absl::MakeSpan(range->before.data(), range->before.size()), resultShape(op),
             mode, in[2]);
}

/// Whether each element is what `test` asks, as integers 0 and 1.
template <typename Fn> Tensor where(const Tensor &x, Fn test) {
  Tensor y = Tensor::integers(x.shape);
  std::transform(x.f.begin(), x.f.end(), y.i.begin(), test);
  return y;
}

/// Functions of one operand with attributes, and those by position.
Result evaluateFurther(Operation *op, Operands in) {
  const Tensor &x = *in[0];
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](EluOp o) {
        float alpha = o.getAlpha().convertToFloat();
        return mapFloats(x, [=](float v) { return v > 0 ? v : alpha * std::expm1(v); });
      })
      .Case([&](LeakyReluOp o) {
        float alpha = o.getAlpha().convertToFloat();
        return mapFloats(x, [=](float v) { return v >= 0 ? v : alpha * v; });
      })
      .Case([&](HardSigmoidOp o) {
        float alpha = o.getAlpha().convertToFloat(), beta = o.getBeta().convertToFloat();
        return mapFloats(x,
                         [=](float v) { return std::max(0.0f, std::min(1.0f, alpha * v + beta)); });
      })
      .Case([&](HardSwishOp) {
        return mapFloats(
            x, [](float v) { return v * std::max(0.0f, std::min(1.0f, v / 6.0f + 0.5f)); });
      })
      .Case([&](SoftsignOp) {
        return mapFloats(x, [](float v) { return v / (1.0f + std::fabs(v)); });
      })
      .Case([&](RoundOp) { return mapFloats(x, [](float v) { return std::nearbyint(v); }); })
      .Case([&](IsNaNOp) { return where(x, [](float v) { return std::isnan(v); }); })
      .Case([&](IsInfOp o) {
        bool negative = o.getDetectNegative() != 0, positive = o.getDetectPositive() != 0;
        return where(x, [=](float v) { return std::isinf(v) && (v < 0 ? negative : positive); });
      })
      .Case([&](MeanOp) -> Result {
        Result y = x;
        for (size_t n = 1; y.ok() && n < in.size(); ++n)
          y = binary(Binary::Add, *y, *in[n]);
        auto count = static_cast<float>(in.size());
        return y.ok() ? mapFloats(*std::move(y), [=](float v) { return v / count; }) : y;
      })
      .Case<ArgMaxOp, ArgMinOp>([&](auto o) {
        return argReduce(x, o.getAxis(), isa<ArgMaxOp>(o), o.getKeepdims() != 0,
                         o.getSelectLastIndex() != 0);
      })
      .Case([&](CumSumOp o) {
        return cumulativeSum(x, o.getAxis(), o.getExclusive() != 0, o.getReverse() != 0);
      })
      .Case([&](TriluOp o) -> Result {
        if (in[1] && in[1]->i.size() != 1)
          return bad("k must be one integer");
        return trilu(x, in[1] ? in[1]->i[0] : 0, o.getUpper() != 0);
      })
      .Case([&](GatherElementsOp o) { return gatherElements(x, *in[1], o.getAxis()); })
      .Case([&](OneHotOp o) {
        int64_t rank = x.shape.size() + 1, axis = o.getAxis() + (o.getAxis() < 0 ? rank : 0);
        return oneHot(x, resultShape(o)[axis], *in[2], axis);
      })
      .Case([&](PadOp o) { return evaluatePad(o, in); })
      .Default([](Operation *) -> Result { return bad("operation is not supported"); });
}

Result evaluateOne(Operation *op, Operands in) {
  if (auto function = unaryOf(op))
    return unary(*function, *in[0]);
  if (auto function = binaryOf(op)) {
    Result y = *in[0];
    for (size_t n = 1; y.ok() && n < in.size(); ++n)
      y = binary(*function, *y, *in[n]);
    return y;
  }
  if (auto reduction = reductionOf(op))
    return evaluateReduce(op, *reduction, in);
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([](InitializerOp o) { return fromAttribute(o.getValue()); })
      .Case([](ConstantOp o) { return fromAttribute(o.getValue()); })
      .Case<IdentityOp, DropoutOp>([&](auto) { return *in[0]; })
      .Case<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>(
          [&](auto o) { return reshape(*in[0], resultShape(o)); })
      .Case([&](CastOp o) { return castTo(*in[0], resultType(o).getElementType()); })
      .Case([&](ClipOp) { return evaluateClip(in); })
      .Case([&](WhereOp) { return where(*in[0], *in[1], *in[2]); })
      .Case([&](SoftmaxOp o) { return softmax(*in[0], o.getAxis()); })
      .Case([&](LogSoftmaxOp o) { return softmax(*in[0], o.getAxis(), /*log=*/true); })
      .Case([&](LayerNormalizationOp o) {
        return layerNorm(*in[0], *in[1], in[2], o.getEpsilon().convertToFloat(), o.getAxis());
      })
      .Case([&](MatMulOp) { return matmul(*in[0], *in[1]); })
      .Case([&](GemmOp o) {
        return gemm(*in[0], *in[1], in[2], o.getAlpha().convertToFloat(),
                    o.getBeta().convertToFloat(), o.getTransA() != 0, o.getTransB() != 0);
      })
      .Case([&](EinsumOp o) { return evaluateEinsum(o, in); })
      .Case([&](ConcatOp o) { return concat(in, o.getAxis()); })
      .Case([&](ConstantOfShapeOp o) { return evaluateConstantOfShape(o); })
      .Case([&](ExpandOp o) { return broadcastTo(*in[0], resultShape(o)); })
      .Case([&](GatherOp o) { return gather(*in[0], *in[1], o.getAxis()); })
      .Case([&](QuantizeLinearOp o) {
        bool isUnsigned = resultType(o).getElementType().isUnsignedInteger();
        return quantizeLinear(*in[0], *in[1], in[2], o.getAxis(), isUnsigned ? 0 : -128,
                              isUnsigned ? 255 : 127);
      })
      .Case([&](DequantizeLinearOp o) {
        return dequantizeLinear(*in[0], *in[1], in[2], o.getAxis());
      })
      .Case([&](RangeOp o) { return evaluateRange(o, in); })
      .Case([&](ShapeOp o) -> Result {
        auto [start, end] = resolveShapeRange(o, in[0]->shape.size());
        Tensor y = Tensor::integers({std::max<int64_t>(end - start, 0)});
        for (size_t n = 0; n < y.i.size(); ++n)
          y.i[n] = in[0]->shape[start + n];
        return y;
      })
      .Case([&](SizeOp) -> Result {
        Tensor y = Tensor::integers({});
        y.i[0] = in[0]->size();
        return y;
      })
      .Case([&](SliceOp o) { return evaluateSlice(o, in); })
      .Case([&](TileOp) { return tile(*in[0], in[1]->i); })
      .Case([&](TransposeOp o) {
        return transpose(*in[0], absl::MakeSpan(o.getPerm().data(), o.getPerm().size()));
      })
      .Default([&](Operation *o) { return evaluateFurther(o, in); });
}

} // namespace

int64_t evaluationWork(Operation *op) {
  constexpr int64_t kMany = int64_t{1} << 60;
  auto times = [&](int64_t a, int64_t b) {
    int64_t product;
    return llvm::MulOverflow(a, b, product) ? kMany : std::min(product, kMany);
  };
  auto elements = [&](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return int64_t{1};
    int64_t count = 1;
    for (int64_t d : tensor.getShape())
      count = times(count, d);
    return count;
  };
  int64_t work = 1;
  for (Type type : op->getOperandTypes())
    work = std::min(work + elements(type), kMany);
  for (Type type : op->getResultTypes())
    work = std::min(work + elements(type), kMany);
  if (isa<ShapeOp, SizeOp>(op))
    return elements(op->getResult(0).getType()) + 1;
  if (isa<MatMulOp, GemmOp>(op)) { // at most: the inner size is one of a's
    auto a = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    int64_t inner = 1;
    for (int64_t d : a ? a.getShape().take_back(2) : ArrayRef<int64_t>())
      inner = std::max(inner, d);
    return std::min(work + times(elements(op->getResult(0).getType()), inner), kMany);
  }
  if (isa<EinsumOp>(op)) {
    int64_t all = 1;
    for (Type type : op->getOperandTypes())
      all = times(all, elements(type));
    return std::min(work + all, kMany);
  }
  return work;
}

std::string describe(Operation *op) {
  std::string text = op->getName().getStringRef().str();
  if (auto name = dyn_cast<NameLoc>(op->getLoc()))
    return absl::StrCat(text, " (node \"", name.getName().str(), "\")");
  return text;
}

absl::StatusOr<std::vector<Tensor>> evaluateOnnxOp(Operation *op, Operands operands) {
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type || !type.hasStaticShape())
      return bad("the result's type is not known");
  }
  for (auto [value, tensor] : llvm::zip_equal(op->getOperands(), operands))
    if (!tensor && !isa<NoneType>(value.getType()))
      return bad("an operand has no value");
  std::vector<Tensor> results;
  try {
    if (auto split = dyn_cast<SplitOp>(op)) {
      auto parts = evaluateSplit(split, *operands[0]);
      if (!parts.ok())
        return parts.status();
      results = *std::move(parts);
    } else {
      auto result = evaluateOne(op, operands);
      if (!result.ok())
        return result.status();
      results.push_back(*std::move(result));
    }
  } catch (const std::bad_alloc &) {
    return bad(absl::StrCat("not enough memory for its result ", shapeText(resultShape(op))));
  } catch (const std::length_error &) {
    return bad(absl::StrCat("not enough memory for its result ", shapeText(resultShape(op))));
  }
  for (auto [index, tensor] : llvm::enumerate(results)) {
    auto type = resultType(op, index);
    if (ArrayRef(tensor.shape) != type.getShape())
      return bad(absl::StrCat("gives ", shapeText(tensor.shape), ", its type says ",
                              shapeText(resultShape(op, index))));
    if ((tensor.kind == Kind::Float) != isa<FloatType>(type.getElementType()))
      return bad("gives elements of another kind than its type says");
    wrapTo(type.getElementType(), tensor);
  }
  return results;
}

absl::StatusOr<std::vector<Tensor>> evaluateOnnx(Operation *graph, std::vector<Tensor> inputs,
                                                 const Options &options) {
  auto op = cast<GraphOp>(graph);
  Block &body = op.getBody().front();
  if (inputs.size() != body.getNumArguments())
    return bad(absl::StrCat("graph has ", body.getNumArguments(), " inputs, got ", inputs.size()));
  llvm::DenseMap<Value, Tensor> values;
  llvm::DenseMap<Value, unsigned> uses; // left
  auto countUses = [](Value value) {
    return static_cast<unsigned>(std::distance(value.use_begin(), value.use_end()));
  };
  for (auto [index, argument] : llvm::enumerate(body.getArguments())) {
    auto type = cast<RankedTensorType>(argument.getType());
    Tensor &input = inputs[index];
    auto name = cast<StringAttr>(op.getInputNames()[index]).getValue().str();
    if (ArrayRef(input.shape) != type.getShape())
      return bad(absl::StrCat(
          "input \"", name, "\" has shape ", shapeText(input.shape), ", the graph wants ",
          shapeText(absl::MakeConstSpan(type.getShape().data(), type.getShape().size()))));
    if ((input.kind == Kind::Float) != isa<FloatType>(type.getElementType()))
      return bad(absl::StrCat("input \"", name, "\" must be ",
                              isa<FloatType>(type.getElementType()) ? "floats" : "integers"));
    uses[argument] = countUses(argument);
    values[argument] = std::move(input);
  }
  for (Operation &node : body.without_terminator()) {
    if (isa<NoneOp>(node))
      continue;
    SmallVector<const Tensor *> operands;
    for (Value operand : node.getOperands()) {
      auto found = values.find(operand);
      operands.push_back(found == values.end() ? nullptr : &found->second);
    }
    auto results = evaluateOnnxOp(&node, absl::MakeConstSpan(operands.data(), operands.size()));
    if (!results.ok())
      return bad(absl::StrCat(describe(&node), ": ", results.status().message()));
    for (Value operand : node.getOperands())
      if (auto left = uses.find(operand); left != uses.end() && --left->second == 0)
        values.erase(operand);
    for (auto [value, tensor] : llvm::zip_equal(node.getResults(), *results)) {
      if (options.observe)
        options.observe(value, tensor);
      uses[value] = countUses(value);
      if (uses[value] != 0)
        values[value] = std::move(tensor);
    }
  }
  std::vector<Tensor> outputs;
  for (Value output : body.getTerminator()->getOperands()) {
    auto found = values.find(output);
    if (found == values.end())
      return bad("an output has no value");
    outputs.push_back(found->second);
  }
  return outputs;
}

} // namespace aac::interp
