//===- AacInterpreter.cpp - evaluates aac tasks in f32 --------------------===//
//
// One pure function an op; products and exponentials are those of FixedOrder.h, so that a result
// does not depend on threads or machine. Attention runs head by head on strided views, without
// copies. A value is freed after its last use; parameters stay (Parameters.h).
//
//===----------------------------------------------------------------------===//
#include "FixedOrder.h"
#include "aac/Interp/Attributes.h"
#include "aac/Interp/Formats.h"
#include "aac/Interp/Interpreter.h"
#include "aac/Interp/Kernels.h"
#include "aac/Interp/Parameters.h"

#include "absl/strings/str_cat.h"
#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <climits>
#include <cmath>
#include <memory>

using namespace mlir;
using namespace aac;
using namespace aac::interp;

namespace {

using TensorRef = std::shared_ptr<const Tensor>;

Shape shapeOf(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return Shape(shape.begin(), shape.end());
}

/// "aac.linear at loc(...)" for messages.
std::string describe(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName() << " at " << op->getLoc();
  return text;
}

//===----------------------------------------------------------------------===//
// Kernels that only aac ops need
//===----------------------------------------------------------------------===//

/// result[b, s, :] = sum over i of tables[i][ids[i][b, s], :]. Negative ids count from the end,
/// as ONNX's Gather has it.
absl::StatusOr<Tensor> embedding(ArrayRef<TensorRef> ids, ArrayRef<TensorRef> tables, Shape shape,
                                 bool shapesOfInputs) {
  if (shapesOfInputs) { // constant ids are as long as the types say
    shape[0] = shape[1] = 0;
    for (const TensorRef &own : ids) {
      shape[0] = std::max(shape[0], own->shape[0]);
      shape[1] = shape[1] == 0 ? own->shape[1] : std::min(shape[1], own->shape[1]);
    }
  }
  Tensor result = Tensor::floats(shape);
  int64_t batch = shape[0], tokens = shape[1], width = shape[2];
  for (size_t i = 0; i < ids.size(); ++i) {
    const Tensor &table = *tables[i];
    int64_t rows = table.shape[0];
    bool broadcast = ids[i]->shape[0] == 1;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t s = 0; s < tokens; ++s) {
        int64_t id = ids[i]->i[(broadcast ? 0 : b * tokens) + s];
        if (id < -rows || id >= rows)
          return absl::InvalidArgumentError(
              absl::StrCat("id ", id, " of operand ", i, " (sentence ", b, ", token ", s,
                           ") is outside the table's ", rows, " rows"));
        const float *from = table.f.data() + (id < 0 ? id + rows : id) * width;
        float *to = result.f.data() + (b * tokens + s) * width;
        for (int64_t k = 0; k < width; ++k)
          to[k] += from[k];
      }
  }
  return result;
}

Tensor mask(const Tensor &input, float constant, ir::MaskRule rule, Shape shape) {
  Tensor result = Tensor::floats(std::move(shape));
  for (size_t k = 0; k < result.f.size(); ++k) {
    bool isFloat = input.kind == Kind::Float;
    float m = isFloat ? input.f[k] : static_cast<float>(input.i[k]);
    bool isZero = isFloat ? m == 0 : input.i[k] == 0, isOne = isFloat ? m == 1 : input.i[k] == 1;
    switch (rule) {
    case ir::MaskRule::Inverted:
      result.f[k] = (1.0f - m) * constant;
      break;
    case ir::MaskRule::Times:
      result.f[k] = m * constant;
      break;
    case ir::MaskRule::NonZero:
      result.f[k] = isZero ? constant : 0;
      break;
    case ir::MaskRule::Zero:
      result.f[k] = isZero ? 0 : constant;
      break;
    case ir::MaskRule::One:
      result.f[k] = isOne ? 0 : constant;
      break;
    case ir::MaskRule::Positive:
      result.f[k] = m > 0 ? 0 : constant;
      break;
    }
  }
  return result;
}

/// One product for each sentence and head, on views of the [batch, tokens, features] tensors.
Tensor scores(const Tensor &query, const Tensor &key, int64_t heads, float scale) {
  int64_t batch = query.shape[0], rows = query.shape[1], width = query.shape[2];
  int64_t columns = key.shape[1], size = width / heads;
  Tensor result = Tensor::floats({batch, heads, rows, columns});
  if (result.f.empty() || size == 0)
    return result;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      addProduct(rows, columns, size, scale,
                 {query.f.data() + b * rows * width + h * size, static_cast<size_t>(width)},
                 {key.f.data() + b * columns * width + h * size, static_cast<size_t>(width)},
                 /*bIsTransposed=*/true, result.f.data() + (b * heads + h) * rows * columns,
                 columns);
  return result;
}

Tensor context(const Tensor &probabilities, const Tensor &value) {
  int64_t batch = probabilities.shape[0], heads = probabilities.shape[1];
  int64_t rows = probabilities.shape[2], keys = probabilities.shape[3];
  int64_t width = value.shape[2], size = width / heads;
  Tensor result = Tensor::floats({batch, rows, width});
  if (result.f.empty() || keys == 0)
    return result;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      addProduct(
          rows, size, keys, 1.0f,
          {probabilities.f.data() + (b * heads + h) * rows * keys, static_cast<size_t>(keys)},
          {value.f.data() + b * keys * width + h * size, static_cast<size_t>(width)},
          /*bIsTransposed=*/false, result.f.data() + b * rows * width + h * size, width);
  return result;
}

/// Softmax over the last axis, in place.
void softmaxInPlace(Tensor &x) {
  size_t width = x.shape.empty() ? 1 : static_cast<size_t>(x.shape.back());
  for (size_t at = 0; width > 0 && at + width <= x.f.size(); at += width) {
    float *row = x.f.data() + at;
    float top = *std::max_element(row, row + width);
    if (std::isfinite(top))
      expInPlace(row, width, top);
    else // as IEEE has it
      std::transform(row, row + width, row, [&](float v) { return std::exp(v - top); });
    double sum = 0;
    for (size_t i = 0; i < width; ++i)
      sum += row[i];
    float scale = static_cast<float>(1.0 / sum);
    for (size_t i = 0; i < width; ++i)
      row[i] *= scale;
  }
}

/// softmax(scores + mask) over keys; `mask` is [batch or 1, 1, 1, keys]. With `fill` what is
/// not zero of the mask takes the place of the scores.
Tensor maskedSoftmax(const Tensor &scores, const Tensor &mask, bool fill) {
  Tensor sum = scores;
  int64_t keys = scores.shape[3], rows = scores.shape[1] * scores.shape[2];
  for (int64_t b = 0; b < scores.shape[0]; ++b) {
    const float *add = mask.f.data() + (mask.shape[0] == 1 ? 0 : b * keys);
    for (int64_t r = 0; r < rows; ++r) {
      float *row = sum.f.data() + (b * rows + r) * keys;
      for (int64_t k = 0; k < keys; ++k)
        row[k] = fill && add[k] != 0 ? add[k] : row[k] + add[k];
    }
  }
  softmaxInPlace(sum);
  return sum;
}

Tensor select(const Tensor &input, int64_t index) {
  int64_t batch = input.shape[0], tokens = input.shape[1], width = input.shape[2];
  Tensor result = Tensor::floats({batch, width});
  for (int64_t b = 0; b < batch; ++b)
    std::copy_n(input.f.data() + (b * tokens + index) * width, width, result.f.data() + b * width);
  return result;
}

/// f(x) computed in f64: what a libm's last bit is does not show.
template <typename Fn> Tensor inDouble(const Tensor &x, Fn f) {
  Tensor y = Tensor::floats(x.shape);
  std::transform(x.f.begin(), x.f.end(), y.f.begin(),
                 [&](float v) { return static_cast<float>(f(static_cast<double>(v))); });
  return y;
}

absl::StatusOr<Tensor> activation(ir::ActivationKind kind, const Tensor &x) {
  auto applied = [&](void (*function)(float *, size_t)) {
    Tensor y = x;
    function(y.f.data(), y.f.size());
    return y;
  };
  switch (kind) {
  case ir::ActivationKind::Relu:
    return unary(Unary::Relu, x);
  case ir::ActivationKind::GeluTanh:
    return applied(geluTanhInPlace);
  case ir::ActivationKind::GeluErf:
    return inDouble(x, [](double v) { return 0.5 * v * (1 + std::erf(v * M_SQRT1_2)); });
  case ir::ActivationKind::Silu:
    return applied(siluInPlace);
  case ir::ActivationKind::Tanh:
    return inDouble(x, [](double v) { return std::tanh(v); });
  case ir::ActivationKind::Sigmoid:
    return applied(sigmoidInPlace);
  }
  llvm_unreachable("every activation is above");
}

//===----------------------------------------------------------------------===//
// The evaluator
//===----------------------------------------------------------------------===//

class Evaluator {
public:
  Evaluator(Parameters &parameters, const Options &options)
      : parameters(parameters), options(options) {}

  /// Runs a block whose arguments are set; returns the operands of its terminator.
  absl::StatusOr<std::vector<TensorRef>> run(Block &block);
  void set(Value value, TensorRef tensor) { values[value] = std::move(tensor); }

private:
  absl::Status runOp(Operation &op);
  absl::StatusOr<Tensor> compute(Operation &op);
  absl::Status runLoop(ir::LoopOp loop);
  absl::Status use(Value result, StringAttr param);
  const Tensor &get(Value value) { return *values.find(value)->second; }
  /// x times a transposed weight, plus a bias (may be null).
  absl::StatusOr<Tensor> product(const Tensor &x, Value weight, Value bias);

  Parameters &parameters;
  const Options &options;
  llvm::DenseMap<Value, TensorRef> values;
  llvm::DenseMap<Value, std::shared_ptr<const PackedMatrix>> weights; // those that are parameters
  int64_t repetition = 0;
};

/// True if `use` is the weight of a product.
bool isWeight(OpOperand &use) {
  Operation *op = use.getOwner();
  auto is = [&](OpOperand &operand) {
    return operand.getOperandNumber() == use.getOperandNumber();
  };
  if (auto linear = dyn_cast<ir::LinearOp>(op))
    return is(linear.getWeightMutable());
  auto adapter = dyn_cast<ir::AdapterOp>(op);
  return adapter && (is(adapter.getDownMutable()) || is(adapter.getUpMutable()));
}

absl::Status Evaluator::use(Value result, StringAttr param) {
  if (llvm::any_of(result.getUses(), isWeight)) {
    auto packed = parameters.packed(param);
    if (!packed.ok())
      return packed.status();
    weights[result] = *std::move(packed);
  }
  if (llvm::all_of(result.getUses(), isWeight))
    return absl::OkStatus();
  auto tensor = parameters.values(param);
  if (!tensor.ok())
    return tensor.status();
  values[result] = *std::move(tensor);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Evaluator::product(const Tensor &x, Value weight, Value bias) {
  std::shared_ptr<const PackedMatrix> packed = weights.lookup(weight);
  if (!packed) { // something computed
    auto own = packWeight(get(weight));
    if (!own.ok())
      return own.status();
    packed = *std::move(own);
  }
  return linear(x, *packed, bias ? &get(bias) : nullptr, weight.getContext());
}

absl::StatusOr<Tensor> Evaluator::compute(Operation &op) {
  using Result = absl::StatusOr<Tensor>;
  return llvm::TypeSwitch<Operation *, Result>(&op)
      .Case([&](ir::ConstantIdsOp ids) -> Result { return fromAttribute(ids.getValue()); })
      .Case([&](ir::EmbeddingOp e) -> Result {
        SmallVector<TensorRef> ids, tables;
        for (Value value : e.getIds())
          ids.push_back(values[value]);
        for (Value value : e.getTables())
          tables.push_back(values[value]);
        return embedding(ids, tables, shapeOf(e.getResult()), options.shapesOfInputs);
      })
      .Case([&](ir::LinearOp l) -> Result {
        Result y = product(get(l.getInput()), l.getWeight(), l.getBias());
        if (float scale = l.getScale().convertToFloat(); y.ok() && scale != 1.0f)
          for (float &value : y->f)
            value *= scale;
        return y;
      })
      .Case([&](ir::MaskOp m) -> Result {
        Shape shape = shapeOf(m.getResult());
        if (options.shapesOfInputs) {
          shape.front() = get(m.getMask()).shape.front();
          shape.back() = get(m.getMask()).shape.back();
        }
        return mask(get(m.getMask()), m.getConstant().convertToFloat(), m.getRule(),
                    std::move(shape));
      })
      .Case([&](ir::ScoresOp s) -> Result {
        return scores(get(s.getQuery()), get(s.getKey()), s.getHeads(),
                      s.getScale().convertToFloat());
      })
      .Case([&](ir::SoftmaxOp s) -> Result {
        if (!s.getMask()) {
          Tensor y = get(s.getScores());
          softmaxInPlace(y);
          return y;
        }
        return maskedSoftmax(get(s.getScores()), get(s.getMask()), s.getFill());
      })
      .Case([&](ir::ContextOp c) -> Result {
        return context(get(c.getProbabilities()), get(c.getValue()));
      })
      .Case([&](ir::LayerNormOp n) -> Result {
        return layerNorm(get(n.getInput()), get(n.getGamma()), &get(n.getBeta()),
                         n.getEpsilon().convertToFloat());
      })
      .Case([&](ir::AddOp a) -> Result {
        return binary(Binary::Add, get(a.getLhs()), get(a.getRhs()));
      })
      .Case([&](ir::ActivationFnOp a) -> Result {
        return activation(a.getKind(), get(a.getInput()));
      })
      .Case([&](ir::AdapterOp a) -> Result {
        const Tensor &x = get(a.getInput());
        Result inner = product(x, a.getDown(), a.getDownBias());
        if (inner.ok())
          inner = activation(a.getKind(), *inner);
        if (inner.ok())
          inner = product(*inner, a.getUp(), a.getUpBias());
        if (!inner.ok())
          return inner;
        float scale = a.getScale().convertToFloat();
        for (size_t i = 0; i < inner->f.size(); ++i)
          inner->f[i] = x.f[i] + scale * inner->f[i];
        return inner;
      })
      .Case([&](ir::RequantiseOp r) -> Result {
        Tensor y = get(r.getInput());
        roundTo(r.getTo(), y.shape, y.f);
        return r.getBias() ? binary(Binary::Add, y, get(r.getBias())) : Result(std::move(y));
      })
      .Case([&](ir::SelectOp s) -> Result { return select(get(s.getInput()), s.getIndex()); })
      .Case([&](ir::SqueezeOp s) -> Result {
        Tensor result = get(s.getInput());
        result.shape.pop_back();
        return result;
      })
      .Default([](Operation *) -> Result {
        return absl::UnimplementedError("the interpreter does not know this operation");
      });
}

absl::Status Evaluator::runLoop(ir::LoopOp loop) {
  Block &body = loop.getBody().front();
  std::vector<TensorRef> carried;
  for (Value init : loop.getInits())
    carried.push_back(values[init]);
  int64_t outer = repetition;
  for (int64_t i = 0; i < static_cast<int64_t>(loop.getCount()); ++i) {
    repetition = i;
    for (auto [argument, tensor] : llvm::zip_equal(body.getArguments(), carried))
      values[argument] = tensor;
    absl::StatusOr<std::vector<TensorRef>> yielded = run(body);
    if (!yielded.ok())
      return yielded.status();
    carried = *std::move(yielded);
  }
  repetition = outer;
  for (auto [result, tensor] : llvm::zip_equal(loop.getResults(), carried))
    values[result] = tensor;
  return absl::OkStatus();
}

absl::Status Evaluator::runOp(Operation &op) {
  if (auto one = dyn_cast<ir::UseOp>(op))
    return use(one.getResult(), one.getParamAttr().getAttr());
  if (auto each = dyn_cast<ir::UseEachOp>(op)) {
    if (repetition >= static_cast<int64_t>(each.getParams().size()))
      return absl::InvalidArgumentError(absl::StrCat(
          "names ", each.getParams().size(), " parameters, repetition ", repetition, " has none"));
    return use(each.getResult(), cast<FlatSymbolRefAttr>(each.getParams()[repetition]).getAttr());
  }
  if (auto loop = dyn_cast<ir::LoopOp>(op))
    return runLoop(loop);

  absl::StatusOr<Tensor> result = compute(op);
  if (!result.ok())
    return result.status();
  if (options.revise)
    options.revise(&op, repetition, *result);
  Attribute format = op.getAttr("format");
  if (options.roundActivations && format)
    roundTo(format, result->shape, result->f);
  if (options.observe)
    options.observe(op.getResult(0), *result);
  values[op.getResult(0)] = std::make_shared<const Tensor>(*std::move(result));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorRef>> Evaluator::run(Block &block) {
  // The last operation of the block that needs each of its own values, nested uses included.
  llvm::DenseMap<Operation *, SmallVector<Value>> dying;
  llvm::DenseMap<Value, Operation *> last;
  for (Operation &op : block)
    op.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (operand.getParentBlock() == &block)
          last[operand] = &op;
    });
  for (auto [value, op] : last)
    dying[op].push_back(value);

  for (Operation &op : block.without_terminator()) {
    if (absl::Status status = runOp(op); !status.ok())
      return absl::Status(status.code(), absl::StrCat(describe(&op), ": ", status.message()));
    if (auto found = dying.find(&op); found != dying.end())
      for (Value value : found->second) {
        values.erase(value);
        weights.erase(value);
      }
  }
  std::vector<TensorRef> results;
  for (Value operand : block.getTerminator()->getOperands())
    results.push_back(values[operand]);
  return results;
}

} // namespace

bool aac::interp::followsInputs(Operation *op) {
  auto task = dyn_cast<ir::TaskOp>(op);
  if (!task || task.getBody().getNumArguments() == 0)
    return false;
  Type type = task.getBody().getArgument(0).getType();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() != 2 || !tensor.getElementType().isInteger() ||
      !llvm::all_of(task.getBody().getArgumentTypes(), [&](Type other) {
        auto ranked = dyn_cast<RankedTensorType>(other);
        return ranked && ranked.getShape() == tensor.getShape() &&
               ranked.getElementType().isInteger();
      }))
    return false;
  auto isParam = [](Value value) {
    return isa_and_present<ir::UseOp, ir::UseEachOp>(value.getDefiningOp());
  };
  WalkResult result = task.walk([&](Operation *inner) {
    bool follows = true;
    if (auto ids = dyn_cast<ir::ConstantIdsOp>(inner))
      follows = cast<RankedTensorType>(ids.getType()).getShape()[0] == 1 &&
                llvm::all_of(inner->getUsers(), llvm::IsaPred<ir::EmbeddingOp>);
    else if (auto embedding = dyn_cast<ir::EmbeddingOp>(inner)) // constants have no batch
      follows = llvm::any_of(embedding.getIds(),
                             [](Value ids) { return !ids.getDefiningOp<ir::ConstantIdsOp>(); });
    else if (isa<ir::AddOp, ir::ScoresOp, ir::ContextOp>(inner))
      follows = llvm::none_of(inner->getOperands(), isParam);
    else if (auto select = dyn_cast<ir::SelectOp>(inner))
      follows = select.getIndex() == 0;
    else if (auto softmax = dyn_cast<ir::SoftmaxOp>(inner))
      follows = !softmax.getMask() || !isParam(softmax.getMask());
    return follows ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

absl::StatusOr<std::vector<Tensor>>
aac::interp::evaluateAac(Operation *op, std::vector<Tensor> inputs, const Options &options) {
  auto task = dyn_cast<ir::TaskOp>(op);
  auto suite = op->getParentOfType<ir::SuiteOp>();
  if (!task || !suite)
    return absl::InvalidArgumentError(
        absl::StrCat(describe(op), ": expected an aac.task of an aac.suite"));
  Block &body = task.getBody().front();
  if (inputs.size() != body.getNumArguments())
    return absl::InvalidArgumentError(absl::StrCat("task ", task.getSymName().str(), " has ",
                                                   body.getNumArguments(), " inputs, got ",
                                                   inputs.size()));
  std::optional<Parameters> own;
  if (!options.parameters)
    own.emplace(suite);
  Evaluator evaluator(own ? *own : *options.parameters, options);
  for (auto [argument, name, tensor] :
       llvm::zip_equal(body.getArguments(), task.getInputNames(), inputs)) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return absl::InvalidArgumentError("task inputs must be ranked tensors");
    Kind kind = isa<FloatType>(type.getElementType()) ? Kind::Float : Kind::Integer;
    bool fits = options.shapesOfInputs ? tensor.shape.size() == 2
                                       : ArrayRef<int64_t>(tensor.shape) == type.getShape();
    if (!fits || kind != tensor.kind)
      return absl::InvalidArgumentError(absl::StrCat(
          "input ", cast<StringAttr>(name).getValue().str(), " must be ",
          kind == Kind::Float ? "float " : "integer ", shapeText(type.getShape()), ", got ",
          tensor.kind == Kind::Float ? "float " : "integer ", shapeText(tensor.shape)));
    evaluator.set(argument, std::make_shared<const Tensor>(std::move(tensor)));
  }
  absl::StatusOr<std::vector<TensorRef>> results = evaluator.run(body);
  if (!results.ok())
    return results.status();
  std::vector<Tensor> outputs;
  for (const TensorRef &result : *results)
    outputs.push_back(*result);
  return outputs;
}
