//===- Mask.cpp - recognises attention masks ------------------------------===//
//
// Exporters compute the mask from its input m by short chains of element-wise operations that
// differ with every version: (1 - m) * C, Where(m, 0, C), Where(1 - m, C, 1 - m), through casts
// and expansions. They are not matched one by one: the function of m that a chain computes is
// found symbolically, either a + b m or two constants told apart by a test of m, and the mask
// is read off it. Anything else is no mask.
//
// Constants are computed in f32 as the file would. What does not stay a test is kept only while it
// is m, 1 - m or m - 1 times a constant: those are what aac.mask computes.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
/// What is asked of m.
enum class Test { NonZero, One, Positive };

/// A function of the mask's element m: a constant, offset + slope * m, or `yes` or `no` by a test.
struct MaskFunction {
  enum Kind { Constant, Linear, Tested } kind = Constant;
  Value input; ///< null: a constant
  Test test = Test::NonZero;
  float offset = 0, slope = 0; ///< Constant: offset
  float yes = 0, no = 0;
};
/// Nodes of a chain that is worth following. The masks that exporters write have up to 20.
constexpr size_t kMaxNodes = 64;

MaskFunction constantOf(float value) {
  MaskFunction f;
  f.offset = value;
  return f;
}

MaskFunction testedOf(Value input, Test test, float yes, float no) {
  MaskFunction f;
  f.kind = MaskFunction::Tested;
  f.input = input;
  f.test = test;
  f.yes = yes;
  f.no = no;
  return f;
}

class MaskAnalysis {
public:
  MaskAnalysis(Graph &graph, std::string &why) : graph(graph), why(why) {}
  /// The function of m that `value` is; each node is looked at once, kMaxNodes at most.
  std::optional<MaskFunction> of(Value value);

private:
  using Unary = llvm::function_ref<float(float)>;
  using Binary = llvm::function_ref<float(float, float)>;
  static std::optional<MaskFunction> apply(MaskFunction f, Unary unary);
  static std::optional<MaskFunction> equals(const MaskFunction &f, float value);
  static std::optional<MaskFunction> above(const MaskFunction &f, float value, bool orEqual);
  static std::optional<MaskFunction> negated(std::optional<MaskFunction> f) {
    return f ? apply(*f, [](float x) { return x == 0 ? 1.0f : 0.0f; }) : std::nullopt;
  }
  static std::optional<MaskFunction> combine(const MaskFunction &a, const MaskFunction &b,
                                             Binary binary);
  std::optional<MaskFunction> arithmetic(Operation *op, MaskFunction a, MaskFunction b);
  std::optional<MaskFunction> compare(Operation *op, const MaskFunction &a, const MaskFunction &b);
  std::optional<MaskFunction> cast(onnx::CastOp op);
  std::optional<MaskFunction> where(onnx::WhereOp op);
  std::optional<MaskFunction> compute(Value value);

  Graph &graph;
  std::string &why;
  llvm::SmallDenseMap<Value, std::optional<MaskFunction>> known;
};
} // namespace

bool raise::keepsAxes(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.empty() || from.size() > to.size() || from.back() != to.back())
    return false;
  if (from.size() == to.size())
    return from[0] == to[0] || from[0] == 1;
  return llvm::all_of(from.drop_back(), [](int64_t d) { return d == 1; });
}

/// True when regrouping `from` as `to` keeps them there: only axes of size 1 between.
static bool keepsGroups(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  auto inner = [](ArrayRef<int64_t> shape) {
    SmallVector<int64_t> sizes;
    llvm::copy_if(shape, std::back_inserter(sizes), [](int64_t d) { return d != 1; });
    return sizes;
  };
  return !from.empty() && !to.empty() && from.back() == to.back() && inner(from) == inner(to) &&
         (from[0] == to[0] || llvm::all_of(from.drop_back(), [](int64_t d) { return d == 1; }));
}

std::optional<MaskFunction> MaskAnalysis::apply(MaskFunction f, Unary unary) {
  switch (f.kind) {
  case MaskFunction::Constant:
    return constantOf(unary(f.offset));
  case MaskFunction::Linear:
    return std::nullopt;
  case MaskFunction::Tested:
    return testedOf(f.input, f.test, unary(f.yes), unary(f.no));
  }
  return std::nullopt;
}

std::optional<MaskFunction> MaskAnalysis::equals(const MaskFunction &f, float value) {
  if (f.kind != MaskFunction::Linear)
    return apply(f, [&](float x) { return x == value ? 1.0f : 0.0f; });
  float m = (value - f.offset) / f.slope; // the only m for which it holds
  if (m == 0)
    return testedOf(f.input, Test::NonZero, 0, 1);
  if (m == 1)
    return testedOf(f.input, Test::One, 1, 0);
  return std::nullopt;
}

/// f > value (or >= value), of integers where it is no test yet.
std::optional<MaskFunction> MaskAnalysis::above(const MaskFunction &f, float value, bool orEqual) {
  if (f.kind != MaskFunction::Linear)
    return apply(f, [&](float x) { return x > value || (orEqual && x == value) ? 1.0f : 0.0f; });
  bool isInteger = !isFloat(f.input);
  if (f.offset != 0 || f.slope != 1)
    return std::nullopt;
  if ((!orEqual && value == 0) || (isInteger && orEqual && value == 1))
    return testedOf(f.input, Test::Positive, 1, 0);
  return std::nullopt;
}

std::optional<MaskFunction> MaskAnalysis::combine(const MaskFunction &a, const MaskFunction &b,
                                                  Binary binary) {
  if (a.kind == MaskFunction::Linear || b.kind == MaskFunction::Linear)
    return std::nullopt;
  if (a.kind == MaskFunction::Constant)
    return apply(b, [&](float x) { return binary(a.offset, x); });
  if (b.kind == MaskFunction::Constant)
    return apply(a, [&](float x) { return binary(x, b.offset); });
  if (a.input != b.input || a.test != b.test)
    return std::nullopt;
  return testedOf(a.input, a.test, binary(a.yes, b.yes), binary(a.no, b.no));
}

std::optional<MaskFunction> MaskAnalysis::arithmetic(Operation *op, MaskFunction a,
                                                     MaskFunction b) {
  auto function = [&](float x, float y) {
    return isa<onnx::AddOp>(op) ? x + y : isa<onnx::SubOp>(op) ? x - y : x * y;
  };
  if (a.kind != MaskFunction::Linear && b.kind != MaskFunction::Linear)
    return combine(a, b, function);
  bool first = a.kind == MaskFunction::Linear;
  MaskFunction f = first ? a : b;
  const MaskFunction &other = first ? b : a;
  if (other.kind != MaskFunction::Constant)
    return std::nullopt;
  float c = other.offset;
  if (isa<onnx::MulOp>(op)) {
    if (!std::isfinite(c)) {
      std::string text = f.offset == 0 ? "m" : f.slope < 0 ? "(1 - m)" : "(m - 1)";
      why = "attention mask " + text + " * " + floatText(c) + ", which is 0 * " + floatText(c) +
            " = NaN where a token counts";
      return std::nullopt;
    }
    f.offset *= c;
    f.slope *= c;
    return f.slope != 0 ? std::optional(f) : std::nullopt;
  }
  // m - 1 and 1 - m; further sums would round differently.
  if (f.offset != 0 || std::fabs(f.slope) != 1 || std::fabs(c) != 1)
    return std::nullopt;
  if (isa<onnx::SubOp>(op) && !first)
    f.slope = -f.slope;
  f.offset = isa<onnx::SubOp>(op) && first ? -c : c;
  return f;
}

std::optional<MaskFunction> MaskAnalysis::compare(Operation *op, const MaskFunction &a,
                                                  const MaskFunction &b) {
  bool constantFirst = a.kind == MaskFunction::Constant;
  const MaskFunction &f = constantFirst ? b : a;
  float value = constantFirst ? a.offset : b.offset;
  if (!constantFirst && b.kind != MaskFunction::Constant)
    return std::nullopt;
  if (isa<onnx::EqualOp>(op))
    return equals(f, value);
  // f > value, f >= value, or the opposite of either.
  bool greater = isa<onnx::GreaterOp, onnx::GreaterOrEqualOp>(op) != constantFirst;
  bool orEqual = isa<onnx::GreaterOrEqualOp, onnx::LessOrEqualOp>(op);
  return greater ? above(f, value, orEqual) : negated(above(f, value, !orEqual));
}

std::optional<MaskFunction> MaskAnalysis::cast(onnx::CastOp op) {
  std::optional<MaskFunction> f = of(op.getX());
  auto from = dyn_cast<RankedTensorType>(op.getX().getType());
  Type to = llvm::cast<RankedTensorType>(op.getType()).getElementType();
  if (!f || !from)
    return std::nullopt;
  if (to.isInteger(1))
    return negated(equals(*f, 0));
  if (to.isInteger() && !from.getElementType().isInteger())
    return apply(*f, [](float x) { return std::trunc(x); });
  return f;
}

std::optional<MaskFunction> MaskAnalysis::where(onnx::WhereOp op) {
  std::optional<MaskFunction> c = of(op.getCondition()), a = of(op.getA()), b = of(op.getB());
  if (!c || !a || !b || c->kind != MaskFunction::Tested)
    return std::nullopt;
  // The value of `f` where the condition's test has come out `outcome`.
  auto valueWhere = [&](const MaskFunction &f, bool outcome) -> std::optional<float> {
    if (f.kind == MaskFunction::Constant)
      return f.offset;
    if (f.input != c->input)
      return std::nullopt;
    if (f.kind == MaskFunction::Tested)
      return f.test == c->test ? std::optional(outcome ? f.yes : f.no) : std::nullopt;
    if (c->test == Test::One && outcome)
      return f.offset + f.slope;
    if (c->test == Test::NonZero && !outcome)
      return f.offset;
    return std::nullopt;
  };
  std::optional<float> yes = valueWhere(c->yes != 0 ? *a : *b, true);
  std::optional<float> no = valueWhere(c->no != 0 ? *a : *b, false);
  if (!yes || !no)
    return std::nullopt;
  return testedOf(c->input, c->test, *yes, *no);
}

std::optional<MaskFunction> MaskAnalysis::of(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  if (known.size() >= kMaxNodes)
    return std::nullopt;
  known.try_emplace(value, std::nullopt);
  std::optional<MaskFunction> function = compute(value);
  known[value] = function;
  return function;
}

std::optional<MaskFunction> MaskAnalysis::compute(Value value) {
  if (std::optional<float> number = graph.splat(value))
    return constantOf(*number);
  value = graph.skip(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return std::nullopt;
  if (isa<BlockArgument>(value)) {
    if (type.getElementType().isInteger(1))
      return testedOf(value, Test::NonZero, 1, 0);
    MaskFunction f;
    f.kind = MaskFunction::Linear;
    f.input = value;
    f.slope = 1;
    return f;
  }
  Operation *op = value.getDefiningOp();
  bool isView = regroups(op) || isa<onnx::ExpandOp>(op);
  if (!isView && !isa<onnx::WhereOp, onnx::CastOp, onnx::NotOp, onnx::AddOp, onnx::SubOp,
                      onnx::MulOp, onnx::EqualOp, onnx::GreaterOp, onnx::GreaterOrEqualOp,
                      onnx::LessOp, onnx::LessOrEqualOp, onnx::AndOp, onnx::OrOp>(op))
    return std::nullopt;
  graph.visited.push_back(op);
  std::optional<MaskFunction> result;
  if (isView) {
    ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = type.getShape();
    result = of(op->getOperand(0));
    if (result && result->input && !(regroups(op) ? keepsGroups(from, to) : keepsAxes(from, to)))
      return std::nullopt;
    return result;
  }
  if (auto where = dyn_cast<onnx::WhereOp>(op)) {
    result = this->where(where);
  } else if (auto cast = dyn_cast<onnx::CastOp>(op)) {
    result = this->cast(cast);
  } else if (isa<onnx::NotOp>(op)) {
    result = negated(of(op->getOperand(0)));
  } else {
    std::optional<MaskFunction> a = of(op->getOperand(0)), b = of(op->getOperand(1));
    if (!a || !b)
      return std::nullopt;
    if (isa<onnx::AddOp, onnx::SubOp, onnx::MulOp>(op))
      result = arithmetic(op, *a, *b);
    else if (isa<onnx::AndOp>(op))
      result = combine(*a, *b, [](float x, float y) { return x != 0 && y != 0 ? 1.0f : 0.0f; });
    else if (isa<onnx::OrOp>(op))
      result = combine(*a, *b, [](float x, float y) { return x != 0 || y != 0 ? 1.0f : 0.0f; });
    else
      result = compare(op, *a, *b);
  }
  // Operands are broadcast to the result: those that depend on the mask must stay in place.
  for (Value operand : op->getOperands())
    if (result && result->input && !graph.splat(operand) &&
        !keepsAxes(shapeOf(operand), type.getShape()))
      return std::nullopt;
  return result;
}

/// The mask that adds 0 to what counts and a constant to what does not.
static std::optional<MaskParts> partsOf(const MaskFunction &f) {
  using Rule = ir::MaskRule;
  if (f.kind == MaskFunction::Linear) {
    if (f.offset == 0)
      return MaskParts{f.input, Rule::Times, f.slope};
    if (f.offset == -f.slope)
      return MaskParts{f.input, Rule::Inverted, f.offset};
    return std::nullopt;
  }
  if (f.kind != MaskFunction::Tested || std::isnan(f.yes) || std::isnan(f.no))
    return std::nullopt;
  if (f.yes == 0 && f.no != 0)
    return MaskParts{f.input,
                     f.test == Test::NonZero ? Rule::NonZero
                     : f.test == Test::One   ? Rule::One
                                             : Rule::Positive,
                     f.no};
  if (f.no == 0 && f.yes != 0 && f.test == Test::NonZero)
    return MaskParts{f.input, Rule::Zero, f.yes};
  return std::nullopt;
}

/// A mask of [batch, keys] or [batch, 1, 1, keys] seen as `out`.
static bool isOfKeys(Value mask, ArrayRef<int64_t> out, std::string &why) {
  ArrayRef<int64_t> in = shapeOf(mask);
  if (isa<BlockArgument>(mask) &&
      (in.size() == 2 || (in.size() == 4 && in[1] == 1 && in[2] == 1)) && keepsAxes(in, out))
    return true;
  why = "attention mask of shape " + shapeText(out) + " made of " + shapeText(in) +
        ", expected [batch, 1, 1, tokens] of [batch, tokens]";
  return false;
}

/// keepsAxes() for the view that Unsqueeze made: the chain has been followed already.
static bool isMaskView(Value mask, ArrayRef<int64_t> out, std::string &why) {
  ArrayRef<int64_t> in = shapeOf(mask);
  if (in.size() == 2 && out.size() == 4 && out[3] == in[1] && (out[0] == in[0] || in[0] == 1))
    return true;
  return isOfKeys(mask, out, why);
}

std::optional<MaskParts> raise::maskParts(Graph &graph, Value value, std::string &why) {
  size_t mark = graph.visited.size();
  std::string reason;
  std::optional<MaskFunction> f = MaskAnalysis(graph, reason).of(value);
  std::optional<MaskParts> parts = f ? partsOf(*f) : std::nullopt;
  if (parts && isMaskView(parts->mask, shapeOf(value), reason))
    return parts;
  graph.visited.resize(mark);
  if (why.empty())
    why = reason;
  return std::nullopt;
}

std::optional<MaskParts> raise::fillParts(Graph &graph, Value condition, bool fillsWhen,
                                          float constant, std::string &why) {
  size_t mark = graph.visited.size();
  std::string reason;
  std::optional<MaskFunction> f = MaskAnalysis(graph, reason).of(condition);
  if (f && f->kind == MaskFunction::Tested && constant != 0 && !std::isnan(constant)) {
    f->yes = (f->yes != 0) == fillsWhen ? constant : 0;
    f->no = (f->no != 0) == fillsWhen ? constant : 0;
    std::optional<MaskParts> parts = partsOf(*f);
    if (parts && isMaskView(parts->mask, shapeOf(condition), reason))
      return parts;
  }
  graph.visited.resize(mark);
  if (why.empty())
    why = reason;
  return std::nullopt;
}

Value raise::emitMask(Emitter &emitter, const MaskParts &parts, Value mask) {
  ArrayRef<int64_t> shape = shapeOf(mask);
  return ir::MaskOp::create(emitter.builder, emitter.loc,
                            emitter.floats({shape.front(), 1, 1, shape.back()}), mask,
                            llvm::APFloat(parts.constant), parts.rule, /*format=*/nullptr,
                            /*absmax=*/nullptr, /*buffer=*/nullptr);
}

bool raise::matchMask(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value) || isa<BlockArgument>(value))
    return false;
  std::optional<MaskParts> parts = maskParts(graph, value, why);
  if (!parts)
    return false;
  match.pattern = "mask";
  match.inputs = {parts->mask};
  match.emit = [parts = *parts](Emitter &emitter, ArrayRef<Value> inputs) {
    return emitMask(emitter, parts, inputs[0]);
  };
  return true;
}
