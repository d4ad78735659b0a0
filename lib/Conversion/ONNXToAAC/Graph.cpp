//===- Graph.cpp - looking at an onnx graph through its noise -------------===//
#include "Graph.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

ArrayRef<int64_t> raise::shapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

int64_t raise::elementCount(Value value) {
  int64_t count = 1;
  for (int64_t d : shapeOf(value))
    count *= d;
  return count;
}

bool raise::isFloat(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

bool raise::regroups(Operation *op) {
  return isa_and_nonnull<onnx::ReshapeOp, onnx::SqueezeOp, onnx::UnsqueezeOp, onnx::FlattenOp>(op);
}

std::string raise::escaped(StringRef name) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os.write_escaped(name.take_front(200), /*UseHexEscapes=*/true);
  os << (name.size() > 200 ? "..." : "");
  return text;
}

std::string raise::nodeName(Operation *op) {
  std::string name;
  op->getLoc()->walk([&](Location loc) {
    if (auto named = dyn_cast<NameLoc>(loc)) {
      name = escaped(named.getName());
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

std::string raise::nodeText(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return "input " + std::to_string(cast<BlockArgument>(value).getArgNumber());
  std::string name = nodeName(op);
  return "node " + (name.empty() ? "without a name" : "\"" + name + "\"") + " (" +
         op->getName().stripDialect().str() + ")";
}

std::string raise::floatText(float value) {
  char text[32];
  for (int digits = 1; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtof(text, nullptr) == value)
      break;
  }
  return text;
}

std::string raise::shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<SmallVector<float>> raise::floatElements(ElementsAttr value) {
  if (!value.getElementType().isF32())
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return llvm::to_vector(dense.getValues<float>());
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || blob->getData().size() != value.getNumElements() * sizeof(float))
    return std::nullopt;
  SmallVector<float> values(value.getNumElements());
  std::memcpy(values.data(), blob->getData().data(), blob->getData().size());
  return values;
}

/// Zero points of int8 or uint8 codes, as for int8.
static std::optional<SmallVector<int32_t>> zerosOf(Attribute zero, Type codes, int64_t count) {
  bool isUnsigned = codes.isUnsignedInteger(8);
  if (!isUnsigned && !codes.isSignlessInteger(8))
    return std::nullopt;
  SmallVector<int32_t> zeros(count, isUnsigned ? kInt8Min : 0);
  if (!zero)
    return zeros;
  auto values = dyn_cast<DenseElementsAttr>(zero);
  if (!values || values.getNumElements() != count || values.getElementType() != codes)
    return std::nullopt;
  for (auto [to, from] : llvm::zip_equal(zeros, values.getValues<APInt>()))
    to += static_cast<int32_t>(isUnsigned ? static_cast<int64_t>(from.getZExtValue())
                                          : from.getSExtValue());
  return zeros;
}

std::optional<Int8Scale> raise::scaleOf(Attribute scale, Attribute zero, Type codes) {
  auto scales = dyn_cast_or_null<ElementsAttr>(scale);
  if (!scales || scales.getNumElements() != 1)
    return std::nullopt;
  std::optional<SmallVector<float>> steps = floatElements(scales);
  std::optional<SmallVector<int32_t>> zeros = zerosOf(zero, codes, 1);
  if (!steps || !zeros || !(steps->front() > 0) || !std::isfinite(steps->front()))
    return std::nullopt;
  return Int8Scale{steps->front(), zeros->front()};
}

ir::Int8Attr raise::quantisedFormat(Operation *stored) {
  auto kept = stored->getAttrOfType<DictionaryAttr>("onnx.quantised");
  auto scale = kept ? kept.getAs<ElementsAttr>("scale") : ElementsAttr();
  auto codes = kept ? kept.getAs<TypeAttr>("codes") : TypeAttr();
  if (!scale || !codes)
    return nullptr;
  std::optional<SmallVector<float>> steps = floatElements(scale);
  auto zeros = zerosOf(kept.get("zero_point"), codes.getValue(), scale.getNumElements());
  if (!steps || !zeros || steps->empty())
    return nullptr;
  int64_t axis = -1, rank = cast<ElementsAttr>(stored->getAttr("value")).getShapedType().getRank();
  if (auto along = kept.getAs<IntegerAttr>("axis"))
    axis = frontAxis(along.getInt(), rank);
  MLIRContext *context = stored->getContext();
  return ir::Int8Attr::getChecked([&] { return stored->emitError(); }, context,
                                  DenseF32ArrayAttr::get(context, *steps),
                                  DenseI32ArrayAttr::get(context, *zeros), axis);
}

/// The operand that `op` hands on unchanged, null if it changes anything.
static Value unchanged(Operation *op, Graph &graph) {
  if (isa<onnx::IdentityOp, onnx::DropoutOp>(op))
    return op->getOperand(0);
  if (op->getNumResults() != 1)
    return nullptr;
  Type type = op->getResult(0).getType();
  if (isa<onnx::CastOp, onnx::ExpandOp, onnx::TileOp>(op) || regroups(op))
    return op->getOperand(0).getType() == type ? op->getOperand(0) : Value();
  if (auto concat = dyn_cast<onnx::ConcatOp>(op))
    return concat.getInputs().size() == 1 ? concat.getInputs()[0] : Value();
  if (auto transpose = dyn_cast<onnx::TransposeOp>(op)) {
    for (auto [i, axis] : llvm::enumerate(transpose.getPerm()))
      if (axis != static_cast<int64_t>(i))
        return nullptr;
    return transpose.getData();
  }
  if (auto mul = dyn_cast<onnx::MulOp>(op)) {
    if (mul.getA().getType() == type && graph.isScalar(mul.getB(), 1.0f))
      return mul.getA();
    if (mul.getB().getType() == type && graph.isScalar(mul.getA(), 1.0f))
      return mul.getB();
  }
  if (auto div = dyn_cast<onnx::DivOp>(op))
    if (div.getA().getType() == type && graph.isScalar(div.getB(), 1.0f))
      return div.getA();
  return nullptr;
}

Value Graph::skip(Value value) {
  for (int steps = 0; steps < kMaxChain; ++steps) {
    Operation *op = value.getDefiningOp();
    Value next = op ? unchanged(op, *this) : Value();
    if (!next)
      break;
    visited.push_back(op);
    value = next;
  }
  return value;
}

/// Features of a token in a value of un-merged heads [batch, tokens, heads, size], -1 if it
/// is no such value.
static int64_t headsWidth(Value value) {
  auto transpose = value.getDefiningOp<onnx::TransposeOp>();
  auto einsum = value.getDefiningOp<onnx::EinsumOp>();
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.size() != 4)
    return -1;
  if (transpose ? transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1, 3} : !einsum)
    return -1;
  return shape[2] * shape[3];
}

Value Graph::canon(Value value) {
  Value current = skip(value), best = current;
  int64_t width = lastDim(current);
  if (width < 0)
    return current;
  size_t mark = visited.size();
  for (int steps = 0; steps < kMaxChain && regroups(current.getDefiningOp()); ++steps) {
    Operation *op = current.getDefiningOp();
    visited.push_back(op);
    current = skip(op->getOperand(0));
    if (lastDim(current) == width || headsWidth(current) == width) {
      best = current;
      mark = visited.size();
    }
  }
  visited.resize(mark);
  return best;
}

Value Graph::base(Value value) {
  value = skip(value);
  for (int steps = 0; steps < kMaxChain && regroups(value.getDefiningOp()); ++steps) {
    visited.push_back(value.getDefiningOp());
    value = skip(value.getDefiningOp()->getOperand(0));
  }
  return value;
}

/// The stored attribute of a constant node, null if the value is none.
static ElementsAttr stored(Value value) {
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>())
    return constant.getValue();
  if (auto initializer = value.getDefiningOp<onnx::InitializerOp>())
    return initializer.getValue();
  return nullptr;
}

std::optional<float> Graph::scalar(Value value) {
  if (elementCount(value) != 1 || !isFloat(value))
    return std::nullopt;
  // Not skip(): multiplications by one ask this function.
  for (int steps = 0; steps < kMaxChain; ++steps) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<onnx::IdentityOp, onnx::ExpandOp, onnx::TileOp>(op) && !regroups(op))
      break;
    value = op->getOperand(0);
  }
  ElementsAttr attr = stored(value);
  if (!attr || attr.getNumElements() != 1)
    return std::nullopt;
  std::optional<SmallVector<float>> elements = floatElements(attr);
  return elements ? std::optional<float>((*elements)[0]) : std::nullopt;
}

std::optional<Constant> Graph::constant(Value value) {
  if (!isFloat(value))
    return std::nullopt;
  size_t mark = visited.size();
  Constant result;
  result.shape = llvm::to_vector(shapeOf(value));
  bool indirect = false;
  for (int steps = 0; steps < kMaxChain; ++steps) {
    Value next = skip(value);
    indirect |= next != value;
    value = next;
    if (auto transpose = value.getDefiningOp<onnx::TransposeOp>()) {
      if (transpose.getPerm() != ArrayRef<int64_t>{1, 0})
        break;
      result.transposed = !result.transposed;
      visited.push_back(transpose);
      value = transpose.getData();
      continue;
    }
    // Axes of size 1 around a vector; a matrix behind a transpose must stay one.
    Operation *op = value.getDefiningOp();
    if (!result.transposed && regroups(op) && lastDim(op->getOperand(0)) == elementCount(value) &&
        lastDim(value) == elementCount(value)) {
      visited.push_back(op);
      value = op->getOperand(0);
      continue;
    }
    break;
  }
  result.value = stored(value);
  if (!result.value) {
    visited.resize(mark);
    return std::nullopt;
  }
  result.quantised = quantisedFormat(value.getDefiningOp());
  if (auto initializer = value.getDefiningOp<onnx::InitializerOp>(); initializer && !indirect)
    result.name = initializer.getName().str();
  return result;
}

/// The element that all of `value` are.
static std::optional<float> splatOf(ElementsAttr value) {
  if (value.getNumElements() == 0)
    return std::nullopt;
  if (std::optional<SmallVector<float>> floats = floatElements(value))
    return llvm::all_equal(*floats) ? std::optional(floats->front()) : std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || !dense.getElementType().isInteger() ||
      !(dense.isSplat() || llvm::all_equal(dense.getValues<APInt>())))
    return std::nullopt;
  APInt element = *dense.getValues<APInt>().begin();
  return dense.getElementType().isInteger(1) ? static_cast<float>(element.getZExtValue())
                                             : static_cast<float>(element.getSExtValue());
}

std::optional<float> Graph::splat(Value value) {
  value = base(value);
  for (int steps = 0;
       steps < kMaxChain && isa_and_nonnull<onnx::ExpandOp, onnx::TileOp>(value.getDefiningOp());
       ++steps)
    value = base(value.getDefiningOp()->getOperand(0));
  ElementsAttr attr = stored(value);
  if (auto made = value.getDefiningOp<onnx::ConstantOfShapeOp>()) {
    if (!made.getValue())
      return 0.0f;
    attr = *made.getValue();
  }
  if (!attr)
    return std::nullopt;
  auto [entry, isNew] = splats.try_emplace(attr, std::nullopt);
  if (isNew)
    entry->second = splatOf(attr);
  return entry->second;
}

std::optional<SmallVector<int64_t>> Graph::integers(Value value) {
  return onnx::constantIntegers(base(value));
}

bool Graph::isNarrowed(float found, double exact) const {
  return llvm::any_of(widened, [&](Attribute type) {
    auto attr = dyn_cast<TypeAttr>(type);
    auto narrow = attr ? dyn_cast<FloatType>(attr.getValue()) : FloatType();
    if (!narrow || narrow.getWidth() >= 32)
      return false;
    llvm::APFloat value(exact);
    bool lossy;
    value.convert(narrow.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
    value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lossy);
    return value.convertToFloat() == found;
  });
}

Scaled Graph::scaled(Value value) {
  Scaled result{skip(value), 1.0};
  for (int steps = 0; steps < kMaxChain; ++steps) {
    Operation *op = result.value.getDefiningOp();
    Value next;
    if (auto mul = dyn_cast_or_null<onnx::MulOp>(op)) {
      for (auto [x, c] : {std::pair<Value, Value>(mul.getA(), mul.getB()),
                          std::pair<Value, Value>(mul.getB(), mul.getA())})
        if (std::optional<float> factor = scalar(c);
            factor && !next && x.getType() == result.value.getType()) {
          next = x;
          result.factor *= *factor;
        }
    } else if (auto div = dyn_cast_or_null<onnx::DivOp>(op)) {
      std::optional<float> divisor = scalar(div.getB());
      if (divisor && div.getA().getType() == result.value.getType()) {
        next = div.getA();
        result.factor /= *divisor;
      }
    }
    if (!next)
      return result;
    visited.push_back(op);
    result.value = skip(next);
  }
  return result;
}
