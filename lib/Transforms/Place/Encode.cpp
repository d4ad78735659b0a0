//===- Encode.cpp - parameters to bytes as the engine reads them ----------===//
//
// aac-encode. Precondition: quantised IR (aac-verify-quantised). Postcondition: each
// operation that reads constants names `aac.stored` symbols with their bytes.
//
// Collect what each operation needs, keyed by the parameters and the layout it
// needs them in, so that equal needs are stored once; encode all weights in parallel;
// then create the symbols. Linear in the bytes of the parameters.
//
//===----------------------------------------------------------------------===//
#include "EngineFormats.h"
#include "aac/Machine/Machine.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/WeightTiles.h"
#include "aac/Transforms/ActivationLayout.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/PlacePasses.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>
#include <cstring>

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_ENCODEPASS
#include "lib/Transforms/Place/PlacePasses.h.inc"

using namespace ir;

namespace {

/// Mask words of the all-ones constant that dense operands' masks are loaded from.
constexpr int64_t kOnesWords = 1024;
/// Largest tile, in output features: longer tiles save few commands and cost buffers.
constexpr int64_t kMaxTileRows = 64;

/// An operation that reads a symbol: the attribute that names it and, where that is a list,
/// the place in it.
struct User {
  Operation *op;
  StringRef attribute;
  int index = -1;
};

/// One symbol to be made.
struct Item {
  std::string name, kind;
  SmallVector<ParamOp> params; ///< one a repetition
  SmallVector<ParamOp> others; ///< bias or beta, likewise
  std::vector<uint8_t> bytes;
  int64_t count = 1;
  int64_t stride = 0;
  WeightTileSpec spec;
  SmallVector<int64_t> maskOffsets, dataOffsets, dataRows;
  bool dense = false;
  double largestBias = 0, biasError = 0;
  llvm::StringSet<> tasks;
  SmallVector<User> users;
  SmallVector<int> inputMinExponents;
  Location loc;
  StoredOp stored; ///< by an earlier compilation, of the same parameters in the same layout
  explicit Item(Location loc) : loc(loc) {}
};

std::string keyOf(StringRef kind, ArrayRef<ParamOp> a, ArrayRef<ParamOp> b,
                  ArrayRef<int64_t> extra) {
  std::string key = kind.str();
  llvm::raw_string_ostream os(key);
  for (ParamOp p : a)
    os << '|' << p.getSymName();
  os << '+';
  for (ParamOp p : b)
    os << '|' << p.getSymName();
  for (int64_t e : extra)
    os << ',' << e;
  return key;
}

/// Appends a little-endian u32.
void appendWord(std::vector<uint8_t> &bytes, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    bytes.push_back(value >> shift);
}

SmallVector<StringRef> sourcesOf(const Item &item) {
  SmallVector<StringRef> sources;
  for (ArrayRef<ParamOp> group : {ArrayRef(item.params), ArrayRef(item.others)})
    for (ParamOp param : group)
      sources.push_back(param.getSymName());
  return sources;
}

/// The bytes of `stored` are `bytes`.
bool storedBytesAre(StoredOp stored, ArrayRef<uint8_t> bytes) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(stored.getValue());
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob && blob->getData().size() == bytes.size() &&
         std::memcmp(blob->getData().data(), bytes.data(), bytes.size()) == 0;
}

/// Largest magnitude of f32 parameters. Fails where their data is missing.
FailureOr<double> maxMagnitude(ArrayRef<ParamOp> params) {
  double most = 0;
  for (ParamOp param : params) {
    FailureOr<Elements<float>> values = readFloats(param);
    if (failed(values))
      return failure();
    for (float value : values->get())
      most = std::max(most, std::fabs(static_cast<double>(value)));
  }
  return most;
}

class Encoder {
public:
  Encoder(SuiteOp suite, const Machine &machine, int64_t tileRows)
      : suite(suite), machine(machine), tileRows(tileRows), symbols(suite) {}

  LogicalResult run();
  int64_t numStored = 0, numBytes = 0, numDense = 0;

private:
  LogicalResult collect(TaskOp task);
  LogicalResult collectLinear(LinearOp op, TaskOp task, const ActivationLayout &layout);
  LogicalResult chooseBiasExponents();
  LogicalResult encodeWeights(Item &item);
  LogicalResult encodeVectors(Item &item);
  LogicalResult encodeTable(Item &item);
  LogicalResult checkSharing(Item &item);
  void findStored();
  void create(Item &item);
  void link(Item &item, StringAttr name);
  Item &need(const std::string &key, StringRef name, StringRef kind, Operation *user,
             StringRef attribute, TaskOp task, int index = -1);
  Item &constant(StringRef name, StringRef kind, std::vector<uint8_t> bytes, Operation *user,
                 StringRef attribute, TaskOp task, int index = -1);
  FailureOr<std::vector<uint8_t>> functionTable(ActivationFnOp op);

  SuiteOp suite;
  const Machine &machine;
  int64_t tileRows; ///< of a tile at most
  SymbolTable symbols;
  llvm::MapVector<std::string, std::unique_ptr<Item>, llvm::StringMap<unsigned>> items;
};

Item &Encoder::need(const std::string &key, StringRef name, StringRef kind, Operation *user,
                    StringRef attribute, TaskOp task, int index) {
  std::unique_ptr<Item> &slot = items[key];
  if (!slot) {
    slot = std::make_unique<Item>(user->getLoc());
    slot->name = name.str();
    slot->kind = kind.str();
  }
  slot->tasks.insert(task.getSymName());
  slot->users.push_back({user, attribute, index});
  return *slot;
}

Item &Encoder::constant(StringRef name, StringRef kind, std::vector<uint8_t> bytes, Operation *user,
                        StringRef attribute, TaskOp task, int index) {
  std::string key = "constant:" + kind.str() + std::string(bytes.begin(), bytes.end());
  Item &item = need(key, name, kind, user, attribute, task, index);
  item.bytes = std::move(bytes);
  item.stride = item.bytes.size();
  return item;
}

/// 256 codes of `op`'s function between its formats, rounded from f64.
FailureOr<std::vector<uint8_t>> Encoder::functionTable(ActivationFnOp op) {
  AdaptivFloatAttr in = formatOf(op.getInput(), symbols), out = formatOf(op.getResult(), symbols);
  if (!in || !out)
    return op.emitError("has no number format; run aac-quantise first");
  std::vector<uint8_t> table(256);
  for (unsigned code = 0; code < 256; ++code) {
    double x = decodeAdaptivFloat(kEngineFormat, in.getMinExponent(), code), y = 0;
    switch (op.getKind()) {
    case ActivationKind::Relu:
      y = std::max(x, 0.0);
      break;
    case ActivationKind::GeluTanh:
      y = 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      break;
    case ActivationKind::GeluErf:
      y = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
      break;
    case ActivationKind::Silu:
      y = x / (1 + std::exp(-x));
      break;
    case ActivationKind::Tanh:
      y = std::tanh(x);
      break;
    case ActivationKind::Sigmoid:
      y = 1 / (1 + std::exp(-x));
      break;
    }
    table[code] = static_cast<uint8_t>(encodeAdaptivFloat(kEngineFormat, out.getMinExponent(), y));
  }
  return table;
}

LogicalResult Encoder::collectLinear(LinearOp op, TaskOp task, const ActivationLayout &layout) {
  SmallVector<ParamOp> weights = paramsBehind(op.getWeight(), symbols), biases;
  if (op.getBias())
    biases = paramsBehind(op.getBias(), symbols);
  if (weights.empty() || (op.getBias() && biases.empty()))
    return op.emitError("the weight and bias of a linear must be parameters");
  AdaptivFloatAttr input = formatOf(op.getInput(), symbols), weight = formatOf(weights.front());
  if (!input || !weight)
    return op.emitError("has no number format; run aac-quantise first");
  FailureOr<double> largestBias = maxMagnitude(biases);
  if (failed(largestBias))
    return failure();
  if (*largestBias == 0)
    biases.clear();
  size_t count = std::max(weights.size(), std::max<size_t>(biases.size(), 1));
  while (weights.size() < count)
    weights.push_back(weights.front());
  while (!biases.empty() && biases.size() < count)
    biases.push_back(biases.front());
  FeatureLayout in = layout[op.getInput()], out = layout[op.getResult()];
  Item &item =
      need(keyOf("weights", weights, biases, {in.group, out.group}),
           (weights.front().getSymName() + ".weights").str(), "weights", op, "aac.weights", task);
  item.params = weights;
  item.others = biases;
  item.count = count;
  item.largestBias = *largestBias;
  item.spec.outFeatures = out.features;
  item.spec.inFeatures = in.features;
  item.spec.outGroup = out.group;
  item.spec.inGroup = in.group;
  item.spec.hasBias = !biases.empty();
  item.spec.minExponent = weight.getMinExponent();
  item.inputMinExponents.push_back(input.getMinExponent());
  int64_t rowVectors = item.spec.rowVectors();
  if (rowVectors * kLanes > machine.engine.maxM)
    return op.emitError() << "a reduction of " << in.padded()
                          << (biases.empty() ? "" : " and a bias") << " exceeds the engine's "
                          << machine.engine.maxM;
  // Two tiles side by side where they fit, so that one loads while the other computes.
  int64_t rows = machine.engine.dataRows / 2 / rowVectors / kLanes * kLanes;
  item.spec.tileRows =
      std::clamp<int64_t>(std::min(rows, roundUp(out.padded(), kLanes)), kLanes, tileRows);
  if (kLanes * rowVectors > machine.engine.dataRows)
    return op.emitError() << "16 output features need " << kLanes * rowVectors
                          << " vectors, the engine's data memory has " << machine.engine.dataRows;
  return success();
}

LogicalResult Encoder::collect(TaskOp task) {
  FailureOr<ActivationLayout> layout = ActivationLayout::compute(task);
  if (failed(layout))
    return failure();
  WalkResult result = task.walk([&](Operation *op) -> WalkResult {
    if (auto linear = dyn_cast<LinearOp>(op))
      return collectLinear(linear, task, *layout);
    if (auto norm = dyn_cast<LayerNormOp>(op)) {
      SmallVector<ParamOp> gamma = paramsBehind(norm.getGamma(), symbols);
      SmallVector<ParamOp> beta = paramsBehind(norm.getBeta(), symbols);
      if (gamma.empty() || beta.empty())
        return norm.emitError("gamma and beta of a layer norm must be parameters");
      if (!gamma.front().getFormat() || !beta.front().getFormat())
        return norm.emitError("has no number format; run aac-quantise first");
      size_t count = std::max(gamma.size(), beta.size());
      gamma.resize(count, gamma.front());
      beta.resize(count, beta.front());
      Item &item =
          need(keyOf("vectors", gamma, beta, {}), (gamma.front().getSymName() + ".vectors").str(),
               "vectors", op, "aac.vectors", task);
      item.params = gamma;
      item.others = beta;
      item.count = count;
      return success();
    }
    if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
      int constants = 0;
      for (auto [index, table] : llvm::enumerate(embedding.getTables())) {
        SmallVector<ParamOp> param = paramsBehind(table, symbols);
        if (param.size() != 1 || !param.front().getFormat())
          return embedding.emitError("an embedding table must be a quantised parameter");
        Item &item =
            need(keyOf("rows", param, {}, {}), (param.front().getSymName() + ".rows").str(), "rows",
                 op, "aac.tables", task, index);
        item.params = param;
        if (auto ids = embedding.getIds()[index].getDefiningOp<ConstantIdsOp>()) {
          std::vector<uint8_t> bytes;
          for (const APInt &id : ids.getValue().getValues<APInt>()) {
            uint32_t value = static_cast<uint32_t>(id.getSExtValue());
            int64_t rows = param.front().getTensorType().getDimSize(0);
            if (id.getSExtValue() < 0 || id.getSExtValue() >= rows)
              return embedding.emitError() << "constant id " << id.getSExtValue()
                                           << " is outside the table's " << rows << " rows";
            appendWord(bytes, value);
          }
          constant((task.getSymName() + ".ids").str(), "ids", std::move(bytes), op, "aac.ids", task,
                   constants++);
        }
      }
      return success();
    }
    if (auto activation = dyn_cast<ActivationFnOp>(op)) {
      if (isFusedRelu(activation))
        return success();
      FailureOr<std::vector<uint8_t>> table = functionTable(activation);
      if (failed(table))
        return failure();
      constant(stringifyActivationKind(activation.getKind()).str() + ".table", "table",
               std::move(*table), op, "aac.table", task);
      return success();
    }
    if (auto softmax = dyn_cast<SoftmaxOp>(op); softmax && !softmax.getMask()) {
      int64_t keys = cast<RankedTensorType>(softmax.getType()).getShape().back();
      std::vector<uint8_t> span(roundUp(keys, kLanes), 0);
      uint8_t one =
          static_cast<uint8_t>(encodeAdaptivFloat(kEngineFormat, 7 + kEngineExponentOffset, 1.0));
      std::fill_n(span.begin(), keys, one);
      constant("span_" + std::to_string(keys), "constant", std::move(span), op, "aac.span", task);
    }
    return success();
  });
  if (result.wasInterrupted())
    return failure();
  constant("ones", "constant", std::vector<uint8_t>(2 * kOnesWords, 0xff), task, "aac.ones", task);
  return success();
}

/// The constant that meets a bias tile is the smallest power of two that every input of
/// that weight can represent and with which one code reaches the largest bias: the smaller
/// it is, the finer the bias.
LogicalResult Encoder::chooseBiasExponents() {
  SmallVector<Item *> weights;
  for (auto &entry : items)
    if (entry.second->spec.hasBias)
      weights.push_back(entry.second.get());
  for (Item *item : weights) {
    int low = *llvm::min_element(item->inputMinExponents);
    int high = *llvm::max_element(item->inputMinExponents);
    int smallest = high + 1, largest = low + kEngineFormat.maxExponentField();
    if (item->stored) {
      int chosen = static_cast<int>(*item->stored.getBiasExponent());
      if (chosen < smallest || chosen > largest)
        return emitError(item->loc)
               << "'" << item->stored.getSymName() << "' is stored with a bias that meets 2^"
               << chosen << ", which an input whose smallest exponent is 2^" << low
               << " cannot have; calibrate the new task on other samples, or compile all tasks "
                  "together";
      smallest = largest = chosen;
    }
    if (largest < smallest)
      return emitError(item->loc) << "the inputs that '" << item->name
                                  << "' meets in different places have formats too far apart (2^"
                                  << low << " and 2^" << high << " smallest) for one bias";
    double reach = decodeAdaptivFloat(kEngineFormat, item->spec.minExponent, 0x7f);
    item->spec.biasExponent = smallest;
    while (item->spec.biasExponent < largest &&
           std::ldexp(reach, item->spec.biasExponent) < item->largestBias)
      ++item->spec.biasExponent;
    for (const User &user : item->users) {
      auto linear = cast<LinearOp>(user.op);
      uint8_t code = static_cast<uint8_t>(
          encodeAdaptivFloat(kEngineFormat, formatOf(linear.getInput(), symbols).getMinExponent(),
                             std::ldexp(1.0, item->spec.biasExponent)));
      constant("lanes_" + llvm::utohexstr(code), "constant",
               std::vector<uint8_t>(kLanes * kLanes, code), linear, "aac.lanes",
               linear->getParentOfType<TaskOp>());
    }
  }
  return success();
}

LogicalResult Encoder::encodeWeights(Item &item) {
  const WeightTileSpec &spec = item.spec;
  int64_t tiles = spec.tiles();
  std::vector<EncodedVectors> encoded(item.count * tiles);
  std::vector<std::vector<uint8_t>> dense(item.count * tiles);
  std::vector<double> errors(item.count * tiles, 0);
  std::vector<Elements<uint8_t>> weights(item.count);
  std::vector<Elements<float>> biases(item.count);
  for (int64_t r = 0; r < item.count; ++r) {
    FailureOr<Elements<uint8_t>> codes = readCodes(item.params[r]);
    FailureOr<Elements<float>> bias = spec.hasBias ? readFloats(item.others[r]) : Elements<float>();
    if (failed(codes) || failed(bias))
      return failure();
    weights[r] = std::move(*codes);
    biases[r] = std::move(*bias);
  }
  parallelFor(suite.getContext(), 0, item.count * tiles, [&](size_t index) {
    int64_t r = index / tiles;
    ArrayRef<uint8_t> codes = weights[r].get();
    ArrayRef<float> bias = biases[r].get();
    dense[index] = weightTile(spec, index % tiles, {codes.data(), codes.size()},
                              {bias.data(), bias.size()}, &errors[index]);
    encoded[index] = encodeBitMask(dense[index]);
  });
  item.biasError = *llvm::max_element(errors);

  int64_t sparseBytes = 0, denseBytes = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t rows = 0;
    for (int64_t r = 0; r < item.count; ++r)
      rows = std::max(rows, encoded[r * tiles + t].rows());
    item.dataRows.push_back(rows);
    sparseBytes += roundUp(2 * encoded[t].mask.size(), kLanes) + rows * kLanes;
    denseBytes += dense[t].size();
  }
  item.dense = denseBytes <= sparseBytes;
  int64_t offset = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    item.maskOffsets.push_back(item.dense ? -1 : offset);
    offset += item.dense ? 0 : roundUp(2 * encoded[t].mask.size(), kLanes);
  }
  for (int64_t t = 0; t < tiles; ++t) {
    if (item.dense)
      item.dataRows[t] = dense[t].size() / kLanes;
    item.dataOffsets.push_back(offset);
    offset += item.dataRows[t] * kLanes;
  }
  item.stride = offset;
  item.bytes.assign(item.count * offset, 0);
  for (int64_t index = 0; index < item.count * tiles; ++index) {
    int64_t t = index % tiles;
    uint8_t *base = item.bytes.data() + index / tiles * offset;
    const std::vector<uint8_t> &data = item.dense ? dense[index] : encoded[index].data;
    std::copy(data.begin(), data.end(), base + item.dataOffsets[t]);
    if (item.dense)
      continue;
    for (auto [word, mask] : llvm::enumerate(encoded[index].mask)) {
      base[item.maskOffsets[t] + 2 * word] = mask & 0xff;
      base[item.maskOffsets[t] + 2 * word + 1] = mask >> 8;
    }
  }
  return success();
}

/// Gamma and then beta of each repetition, padded to whole vectors.
LogicalResult Encoder::encodeVectors(Item &item) {
  for (int64_t r = 0; r < item.count; ++r)
    for (ParamOp param : {item.params[r], item.others[r]}) {
      FailureOr<Elements<uint8_t>> codes = readCodes(param);
      if (failed(codes))
        return failure();
      item.bytes.insert(item.bytes.end(), codes->get().begin(), codes->get().end());
      item.bytes.resize(roundUp(item.bytes.size(), kLanes), 0);
    }
  item.stride = item.bytes.size() / item.count;
  return success();
}

/// An embedding table: bit-masked rows behind an index, or dense rows where that is smaller.
LogicalResult Encoder::encodeTable(Item &item) {
  ParamOp param = item.params.front();
  FailureOr<Elements<uint8_t>> codes = readCodes(param);
  if (failed(codes))
    return failure();
  ArrayRef<uint8_t> values = codes->get();
  int64_t rows = param.getTensorType().getDimSize(0), columns = param.getTensorType().getDimSize(1);
  EncodedRows encoded = encodeRows({values.data(), values.size()}, rows, columns);
  int64_t padded = roundUp(columns, kLanes), indexBytes = roundUp(4 * (rows + 1), kLanes);
  if (indexBytes + static_cast<int64_t>(encoded.data.size()) < rows * padded) {
    item.maskOffsets = {0};
    item.dataOffsets = {indexBytes};
    for (uint32_t offset : encoded.offset)
      appendWord(item.bytes, offset);
    item.bytes.resize(indexBytes, 0);
    item.bytes.insert(item.bytes.end(), encoded.data.begin(), encoded.data.end());
  } else {
    item.maskOffsets = {-1};
    item.dataOffsets = {0};
    item.bytes.assign(rows * padded, 0);
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(values.data() + row * columns, columns, item.bytes.data() + row * padded);
  }
  item.bytes.resize(roundUp(item.bytes.size(), kLanes), 0);
  item.stride = item.bytes.size();
  return success();
}

/// What an earlier compilation stored for several tasks and these items need again.
void Encoder::findStored() {
  for (auto &entry : items) {
    Item &item = *entry.second;
    SmallVector<StringRef> sources = sourcesOf(item);
    for (StoredOp stored : suite.getOps<StoredOp>()) {
      if (stored.getSharing() == Sharing::Task || stored.getKind() != item.kind ||
          !llvm::equal(stored.getSources().getAsValueRange<StringAttr>(), sources))
        continue;
      bool sameLayout = item.kind != "weights" ||
                        (static_cast<int64_t>(*stored.getTileRows()) == item.spec.tileRows &&
                         static_cast<int64_t>(*stored.getRowVectors()) == item.spec.rowVectors() &&
                         stored.getBiasExponent().has_value() == item.spec.hasBias);
      if (sameLayout && (!sources.empty() || storedBytesAre(stored, item.bytes)))
        item.stored = stored;
    }
    if (item.stored)
      for (StringRef task : item.stored.getTasks().getAsValueRange<StringAttr>())
        item.tasks.insert(task);
  }
}

/// A parameter of several tasks must be stored once: with one bias, in one layout.
LogicalResult Encoder::checkSharing(Item &item) {
  if (item.stored && !storedBytesAre(item.stored, item.bytes))
    return emitError(item.loc) << "'" << item.stored.getSymName()
                               << "' is stored, but this task needs other bytes of the same "
                                  "parameters: it would be stored more than once";
  for (ParamOp param : item.params) {
    if (!param.getTasks() || param.getTasks()->size() == item.tasks.size())
      continue;
    return emitError(item.loc)
           << "parameter '" << param.getSymName() << "' belongs to " << param.getTasks()->size()
           << " tasks, but only " << item.tasks.size()
           << " use it with this bias or head width: it would be stored more than once";
  }
  return success();
}

void Encoder::create(Item &item) {
  MLIRContext *context = suite.getContext();
  OpBuilder builder = OpBuilder::atBlockEnd(&suite.getBody().front());
  SmallVector<StringRef> tasks(item.tasks.keys());
  llvm::sort(tasks);
  size_t allTasks = llvm::range_size(suite.getOps<TaskOp>());
  if (item.stored) {
    item.stored.setTasksAttr(builder.getStrArrayAttr(tasks));
    return link(item, item.stored.getSymNameAttr());
  }
  Sharing sharing = tasks.size() == allTasks ? Sharing::Shared
                    : tasks.size() == 1      ? Sharing::Task
                                             : Sharing::Subset;
  if (!item.params.empty() && item.params.front().getSharing())
    sharing = *item.params.front().getSharing();
  SmallVector<StringRef> sources = sourcesOf(item);

  auto type = RankedTensorType::get(static_cast<int64_t>(item.bytes.size()), builder.getI8Type());
  ArrayRef<char> raw(reinterpret_cast<const char *>(item.bytes.data()), item.bytes.size());
  auto value = DenseResourceElementsAttr::get(
      type, item.name, HeapAsmResourceBlob::allocateAndCopyWithAlign(raw, 16));

  OperationState state(item.loc, StoredOp::getOperationName());
  auto set = [&](StringRef name, Attribute attribute) { state.addAttribute(name, attribute); };
  set("sym_name", builder.getStringAttr(item.name));
  set("kind", builder.getStringAttr(item.kind));
  set("value", value);
  set("sources", builder.getStrArrayAttr(sources));
  set("count", builder.getI64IntegerAttr(item.count));
  set("stride", builder.getI64IntegerAttr(item.stride));
  set("sharing", SharingAttr::get(context, sharing));
  set("tasks", builder.getStrArrayAttr(tasks));
  if (!item.params.empty()) {
    if (item.params.front().getRoleAttr())
      set("role", item.params.front().getRoleAttr());
    if (item.params.front().getFormatAttr())
      set("format", item.params.front().getFormatAttr());
  }
  if (item.kind == "weights") {
    set("tile_rows", builder.getI64IntegerAttr(item.spec.tileRows));
    set("row_vectors", builder.getI64IntegerAttr(item.spec.rowVectors()));
    if (item.spec.hasBias)
      set("bias_exponent", builder.getI64IntegerAttr(item.spec.biasExponent));
    set("data_rows", builder.getDenseI64ArrayAttr(item.dataRows));
    numDense += item.dense;
  }
  if (!item.dataOffsets.empty()) {
    set("mask_offsets", builder.getDenseI64ArrayAttr(item.maskOffsets));
    set("data_offsets", builder.getDenseI64ArrayAttr(item.dataOffsets));
  }
  auto stored = cast<StoredOp>(builder.create(state));
  link(item, symbols.insert(stored));
  numBytes += item.bytes.size();
  ++numStored;
}

/// Lets the users of `item` name it.
void Encoder::link(Item &item, StringAttr name) {
  Builder builder(suite.getContext());
  auto reference = FlatSymbolRefAttr::get(name);
  for (const User &user : item.users) {
    if (user.index < 0) {
      user.op->setAttr(user.attribute, reference);
      continue;
    }
    SmallVector<Attribute> list;
    if (auto old = user.op->getAttrOfType<ArrayAttr>(user.attribute))
      list.assign(old.begin(), old.end());
    list.resize(std::max<size_t>(list.size(), user.index + 1), reference);
    list[user.index] = reference;
    user.op->setAttr(user.attribute, builder.getArrayAttr(list));
  }
}

LogicalResult Encoder::run() {
  for (TaskOp task : suite.getOps<TaskOp>())
    if (!task->hasAttr("aac.ones") && failed(collect(task))) // else it was compiled earlier
      return failure();
  findStored();
  if (failed(chooseBiasExponents()))
    return failure();
  findStored(); // the constants that biases meet
  for (auto &entry : items) {
    Item &item = *entry.second;
    if (!item.stored && failed(checkSharing(item)))
      return failure();
    if ((item.kind == "weights" && failed(encodeWeights(item))) ||
        (item.kind == "vectors" && failed(encodeVectors(item))) ||
        (item.kind == "rows" && failed(encodeTable(item))))
      return failure();
    if (item.stored && failed(checkSharing(item)))
      return failure();
  }
  for (auto &entry : items)
    create(*entry.second);
  // What was everyone's may not be the new task's.
  size_t allTasks = llvm::range_size(suite.getOps<TaskOp>());
  for (StoredOp stored : suite.getOps<StoredOp>())
    if (stored.getSharing() != Sharing::Task)
      stored.setSharing(stored.getTasks().size() == allTasks ? Sharing::Shared : Sharing::Subset);
  return success();
}

struct EncodePass : impl::EncodePassBase<EncodePass> {
  using EncodePassBase::EncodePassBase;
  void runOnOperation() override {
    if (tileRows < kLanes || tileRows > kMaxTileRows || tileRows % kLanes != 0) {
      getOperation().emitError() << "tiles of " << tileRows.getValue()
                                 << " rows are not possible; use 16, 32, 48 or 64";
      return signalPassFailure();
    }
    FailureOr<Machine> loaded = loadMachine(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    for (SuiteOp suite : getOperation().getOps<SuiteOp>()) {
      if (failed(checkEngineFormats(suite, *loaded)))
        return signalPassFailure();
      Encoder encoder(suite, *loaded, tileRows);
      if (failed(encoder.run()))
        return signalPassFailure();
      numStored += encoder.numStored;
      numBytes += encoder.numBytes;
      numDense += encoder.numDense;
    }
  }
};

} // namespace
} // namespace aac
