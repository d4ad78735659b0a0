//===- Embedding.cpp - recognises sums of embedding rows and token selection ===//
#include "Patterns.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
/// One addend of an embedding.
struct Lookup {
  Constant table; ///< [rows, width]
  int64_t rows, width;
  Value ids;                     ///< an input of [batch or 1, tokens], or null:
  SmallVector<int64_t> constant; ///< constant ids
  SmallVector<int64_t> shape;    ///< of the ids, [batch or 1, tokens]
  bool flat = false;             ///< the file looks them up as one vector
};
/// More addends than any model has.
constexpr size_t kMaxLookups = 16;
} // namespace

/// The integer input behind casts between int64 and int32, added or removed axes of size 1, and an
/// Expand to the sentences of a batch. What a narrowing cast would wrap is no row of any table:
/// looking it up is an error here.
static Value idsInput(Graph &graph, Value value) {
  for (int steps = 0; steps < kMaxChain; ++steps) {
    value = graph.base(value);
    if (auto expand = value.getDefiningOp<onnx::ExpandOp>()) {
      ArrayRef<int64_t> from = shapeOf(expand.getInput()), to = shapeOf(value);
      if (to.size() != 2 || from.size() != 2 || from[1] != to[1])
        return nullptr;
      graph.visited.push_back(expand);
      value = expand.getInput();
      continue;
    }
    auto cast = value.getDefiningOp<onnx::CastOp>();
    if (!cast)
      return isa<BlockArgument>(value) ? value : Value();
    auto from = dyn_cast<RankedTensorType>(cast.getX().getType());
    auto to = dyn_cast<RankedTensorType>(value.getType());
    auto isId = [](RankedTensorType type) {
      return type && (type.getElementType().isSignlessInteger(32) ||
                      type.getElementType().isSignlessInteger(64));
    };
    if (!isId(from) || !isId(to))
      return nullptr;
    graph.visited.push_back(cast);
    value = cast.getX();
  }
  return nullptr;
}

/// Fills in the ids of a lookup that `value` gives, an input or constant; false with a reason.
static bool findIds(Graph &graph, Value value, Lookup &lookup, std::string &why) {
  ArrayRef<int64_t> ids = shapeOf(value);
  if (std::optional<SmallVector<int64_t>> values = graph.integers(value)) {
    for (int64_t &id : *values) {
      if (id < -lookup.rows || id >= lookup.rows) {
        why = "constant id " + std::to_string(id) + " is outside the table's " +
              std::to_string(lookup.rows) + " rows";
        return false;
      }
      id += id < 0 ? lookup.rows : 0;
    }
    lookup.constant = *values;
    return true;
  }
  lookup.ids = idsInput(graph, value);
  ArrayRef<int64_t> input = lookup.ids ? shapeOf(lookup.ids) : ArrayRef<int64_t>();
  bool sameTokens = input.size() == 2 &&
                    (lookup.flat ? input[0] * input[1] == ids[0]
                                 : input[1] == ids[1] && (input[0] == ids[0] || input[0] == 1));
  if (!sameTokens) {
    why = "embedding whose ids are neither an input of [batch, tokens] nor constant";
    return false;
  }
  lookup.shape = {input[0], input[1]};
  return true;
}

/// The two values of a OneHot of any number type.
static std::optional<SmallVector<float>> offAndOn(Graph &graph, Value value) {
  if (std::optional<SmallVector<int64_t>> integers = graph.integers(value))
    return SmallVector<float>(integers->begin(), integers->end());
  std::optional<Constant> constant = graph.constant(value);
  return constant ? floatElements(constant->value) : std::nullopt;
}

/// Gather of rows of a constant table. `why` is set for tables with ids that do not fit.
static std::optional<Lookup> gatherLookup(Graph &graph, onnx::GatherOp gather, std::string &why) {
  ArrayRef<int64_t> table = shapeOf(gather.getData());
  ArrayRef<int64_t> ids = shapeOf(gather.getIndices());
  std::optional<Constant> constant = graph.constant(gather.getData());
  if (!constant || table.size() != 2 || constant->transposed)
    return std::nullopt;
  if (frontAxis(gather.getAxis(), 2) != 0) {
    why = "Gather of columns of a table, an embedding takes rows";
    return std::nullopt;
  }
  Lookup lookup{*constant, table[0], table[1], nullptr, {}, {}, ids.size() == 1};
  if (ids.size() == 1)
    lookup.shape = {1, ids[0]};
  else if (ids.size() == 2)
    lookup.shape = {ids[0], ids[1]};
  else {
    why = "embedding of ids of shape " + shapeText(ids) + ", expected [batch, tokens]";
    return std::nullopt;
  }
  if (!findIds(graph, gather.getIndices(), lookup, why))
    return std::nullopt;
  return lookup;
}

/// The product of all tokens in one axis that `value` is a view of with an axis of sentences;
/// `value` itself if it is none.
static Value unflattened(Graph &graph, Value value) {
  Operation *op = value.getDefiningOp();
  if (!regroups(op) || shapeOf(value).size() != 3)
    return value;
  Value flat = graph.skip(op->getOperand(0));
  if (shapeOf(flat).size() != 2 || lastDim(flat) != lastDim(value))
    return value;
  graph.visited.push_back(op);
  return flat;
}

/// A product, seen as `shape`, of one-hot rows with a constant table: OneHot from 0 to 1 along the
/// last axis. An id that the table does not have is a row of zeros there, and an error here.
static std::optional<Lookup> oneHotLookup(Graph &graph, onnx::MatMulOp product,
                                          ArrayRef<int64_t> shape, std::string &why) {
  std::optional<Constant> constant = graph.constant(product.getB());
  Value rows = graph.skip(product.getA());
  ArrayRef<int64_t> table = shapeOf(product.getB());
  if (auto cast = rows.getDefiningOp<onnx::CastOp>()) {
    graph.visited.push_back(cast);
    rows = graph.skip(cast.getX());
    if (constant && rows.getDefiningOp<onnx::EqualOp>()) {
      why = "one-hot rows by Equal, which are zero for every id that the table does not have, "
            "negative ones too: export them as OneHot or Gather";
      return std::nullopt;
    }
  }
  auto oneHot = graph.as<onnx::OneHotOp>(rows);
  if (!oneHot || !constant || constant->transposed || table.size() != 2)
    return std::nullopt;
  ArrayRef<int64_t> ids = shapeOf(oneHot.getIndices());
  std::optional<SmallVector<float>> values = offAndOn(graph, oneHot.getValues());
  if (frontAxis(oneHot.getAxis(), ids.size() + 1) != static_cast<int64_t>(ids.size()) || !values ||
      *values != SmallVector<float>{0, 1}) {
    why = "product of OneHot with a table: its values must be 0 and 1, along the last axis";
    return std::nullopt;
  }
  bool flat = ids.size() == 1;
  if (ids.size() != 2 && !flat) {
    why = "embedding of ids of shape " + shapeText(ids) + ", expected [batch, tokens]";
    return std::nullopt;
  }
  Lookup lookup{*constant, table[0], table[1], nullptr, {}, {}, flat};
  lookup.shape = {flat ? 1 : ids[0], ids.back()};
  if (!findIds(graph, oneHot.getIndices(), lookup, why))
    return std::nullopt;
  if (flat && shape.size() == 3) { // the view has the sentences again
    if (lookup.ids ? lookup.shape != SmallVector<int64_t>(shape.drop_back()) : shape[0] != 1)
      return std::nullopt;
    lookup.flat = false;
  }
  return lookup;
}

/// Rows of a constant table, one after the other, that a Slice takes.
static std::optional<Lookup> slicedLookup(Graph &graph, onnx::SliceOp slice) {
  ArrayRef<int64_t> table = shapeOf(slice.getData()), rows = shapeOf(slice.getResult());
  std::optional<Constant> constant = graph.constant(slice.getData());
  std::optional<SmallVector<int64_t>> starts = graph.integers(slice.getStarts()), axes, steps;
  if (!isa<NoneType>(slice.getAxes().getType()))
    axes = graph.integers(slice.getAxes());
  if (!isa<NoneType>(slice.getSteps().getType()))
    steps = graph.integers(slice.getSteps());
  if (!constant || constant->transposed || table.size() != 2 || rows.size() != 2 || !starts ||
      starts->size() != 1 || rows[1] != table[1] || (axes && frontAxis((*axes)[0], 2) != 0) ||
      (!axes && !isa<NoneType>(slice.getAxes().getType())) ||
      (!isa<NoneType>(slice.getSteps().getType()) && (!steps || (*steps)[0] != 1)))
    return std::nullopt;
  int64_t first = (*starts)[0] < 0 ? (*starts)[0] + table[0] : (*starts)[0];
  Lookup lookup{*constant, table[0], table[1], nullptr, {}, {1, rows[0]}};
  for (int64_t i = 0; i < rows[0]; ++i)
    lookup.constant.push_back(std::max<int64_t>(first, 0) + i);
  return lookup;
}

/// A float constant [.., tokens, width] added to embeddings: its rows 0, 1, 2, ... in turn.
static std::optional<Lookup> constantLookup(Graph &graph, Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  std::optional<Constant> constant = graph.constant(value);
  if (!constant || constant->transposed || shape.size() < 2 ||
      constant->size() != shape.back() * shape[shape.size() - 2])
    return std::nullopt;
  int64_t tokens = shape[shape.size() - 2];
  Lookup lookup{*constant, tokens, shape.back(), nullptr, {}, {1, tokens}};
  for (int64_t i = 0; i < tokens; ++i)
    lookup.constant.push_back(i);
  return lookup;
}

/// The addends of a tree of Adds, all of them lookups, at least one of an input.
static std::optional<std::vector<Lookup>> lookups(Graph &graph, Value value, std::string &why) {
  std::vector<Lookup> found;
  SmallVector<Value> stack{value};
  bool hasInput = false;
  while (!stack.empty()) {
    if (found.size() + stack.size() > kMaxLookups)
      return std::nullopt;
    Value v = graph.skip(stack.pop_back_val());
    if (auto add = graph.as<onnx::AddOp>(v)) {
      stack.push_back(add.getB());
      stack.push_back(add.getA());
      continue;
    }
    std::optional<Lookup> lookup;
    if (auto gather = graph.as<onnx::GatherOp>(v))
      lookup = gatherLookup(graph, gather, why);
    else if (auto slice = graph.as<onnx::SliceOp>(v))
      lookup = slicedLookup(graph, slice);
    else if (auto product = graph.as<onnx::MatMulOp>(unflattened(graph, v)))
      lookup = oneHotLookup(graph, product, shapeOf(v), why);
    else
      lookup = constantLookup(graph, v);
    if (!lookup) {
      // A constant alone may be a bias.
      bool others = hasInput || llvm::any_of(stack, [&](Value other) {
                      return other.getDefiningOp<onnx::GatherOp>() != nullptr;
                    });
      if (why.empty() && others && !v.getDefiningOp<onnx::GatherOp>())
        why = "an embedding sums rows of tables, and an addend is none: " + nodeText(v);
      return std::nullopt;
    }
    hasInput |= lookup->ids != nullptr;
    found.push_back(std::move(*lookup));
  }
  // Rows that depend on no input are one where nothing else could take them.
  if (!hasInput && !value.getDefiningOp<onnx::GatherOp>())
    return std::nullopt;
  return found;
}

bool raise::matchEmbedding(Graph &graph, Value value, Match &match, std::string &why) {
  SmallVector<int64_t> shape(shapeOf(value));
  if (!isFloat(value) ||
      !isa_and_nonnull<onnx::AddOp, onnx::GatherOp, onnx::MatMulOp>(value.getDefiningOp()))
    return false;
  std::optional<std::vector<Lookup>> found = lookups(graph, value, why);
  if (!found)
    return false;
  if (shape.size() == 2 && found->front().flat) { // all tokens in one axis
    for (const Lookup &lookup : *found)
      if (lookup.ids)
        shape = {lookup.shape[0], lookup.shape[1], shape[1]};
    for (Lookup &lookup : *found)
      if (!lookup.ids && lookup.shape[1] == shape[0] * shape[1])
        lookup.shape = {shape[0], shape[1]};
  }
  if (shape.size() != 3) {
    why = "embedding of shape " + shapeText(shape) + ", expected [batch, tokens, features]";
    return false;
  }
  match.pattern = "embedding";
  for (const Lookup &lookup : *found) {
    if (lookup.width != shape[2] || lookup.shape[1] != shape[1] ||
        (lookup.shape[0] != 1 && lookup.shape[0] != shape[0])) {
      why = "embedding of " + shapeText(lookup.shape) + " ids and rows of " +
            std::to_string(lookup.width) + " in a sum of shape " + shapeText(shape);
      return false;
    }
    if (lookup.ids)
      match.inputs.push_back(lookup.ids);
  }
  match.emit = [lookups = *found, shape](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    SmallVector<Value> ids, tables;
    size_t next = 0;
    for (const Lookup &lookup : lookups) {
      Value table = emitter.tensor(lookup.table, {lookup.rows, lookup.width}, lookup.table.name);
      if (!table)
        return emitter.fail("the data of its table is missing");
      tables.push_back(table);
      if (lookup.ids) {
        ids.push_back(inputs[next++]);
        continue;
      }
      auto type = RankedTensorType::get(lookup.shape, emitter.builder.getI64Type());
      auto value = DenseElementsAttr::get(type, ArrayRef<int64_t>(lookup.constant));
      ids.push_back(ir::ConstantIdsOp::create(emitter.builder, emitter.loc, type, value));
    }
    return ir::EmbeddingOp::create(emitter.builder, emitter.loc, emitter.floats(shape), ids, tables,
                                   /*format=*/nullptr, /*absmax=*/nullptr,
                                   /*buffer=*/nullptr);
  };
  return true;
}

/// The one index that a Gather or Slice takes along axis 1; nothing otherwise.
static std::optional<int64_t> selectedToken(Graph &graph, Value value, Value &data,
                                            std::string &why) {
  if (auto gather = graph.as<onnx::GatherOp>(value)) {
    data = gather.getData();
    std::optional<SmallVector<int64_t>> index = graph.integers(gather.getIndices());
    if (shapeOf(data).size() != 3 || !index)
      return std::nullopt;
    if (frontAxis(gather.getAxis(), 3) != 1 || index->size() != 1) {
      why = "Gather of " + std::to_string(index->size()) + " indices along axis " +
            std::to_string(frontAxis(gather.getAxis(), 3)) + ", a token is one index along axis 1";
      return std::nullopt;
    }
    return (*index)[0];
  }
  if (auto slice = graph.as<onnx::SliceOp>(value)) {
    data = slice.getData();
    ArrayRef<int64_t> in = shapeOf(data), out = shapeOf(value);
    std::optional<SmallVector<int64_t>> starts = graph.integers(slice.getStarts());
    std::optional<SmallVector<int64_t>> axes;
    if (!isa<NoneType>(slice.getAxes().getType()))
      axes = graph.integers(slice.getAxes());
    if (in.size() != 3 || out.size() != 3 || !starts || starts->size() != 1 || !axes ||
        axes->size() != 1 || ((*axes)[0] != 1 && (*axes)[0] != -2) || out[1] != 1)
      return std::nullopt;
    return std::clamp<int64_t>((*starts)[0] < 0 ? (*starts)[0] + in[1] : (*starts)[0], 0,
                               in[1] - 1);
  }
  return std::nullopt;
}

bool raise::matchSelect(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value))
    return false;
  if (Operation *op = value.getDefiningOp();
      isa<onnx::ReduceMeanOp, onnx::ReduceSumOp, onnx::ReduceMaxOp>(op) &&
      shapeOf(op->getOperand(0)).size() == 3) {
    why = "pooling over tokens (mean, sum or maximum) is not supported; a task reads one token";
    return false;
  }
  Value data;
  std::optional<int64_t> index = selectedToken(graph, value, data, why);
  if (!index)
    return false;
  SmallVector<int64_t> shape(shapeOf(data));
  if (*index < 0)
    *index += shape[1];
  if (*index < 0 || *index >= shape[1]) {
    why = "token " + std::to_string(*index) + " of " + std::to_string(shape[1]);
    return false;
  }
  match.pattern = "select";
  match.inputs = {graph.canon(data)};
  match.emit = [shape, index = *index](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    if (shapeOf(inputs[0]) != ArrayRef<int64_t>(shape))
      return emitter.fail("a token is selected from " + shapeText(shape) + ", which is " +
                          shapeText(shapeOf(inputs[0])) + " here");
    return ir::SelectOp::create(emitter.builder, emitter.loc, emitter.floats({shape[0], shape[2]}),
                                inputs[0], static_cast<uint64_t>(index), /*format=*/nullptr,
                                /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}
