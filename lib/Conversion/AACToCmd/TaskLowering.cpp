//===- TaskLowering.cpp - one task's graph to instructions ----------------===//
//
// The order of instructions here is right when each waits for the one before it; buffers
// alternate between two places where they fit, which is what lets aac-schedule overlap
// transfers with computation.
//
//===----------------------------------------------------------------------===//
#include "TaskLowering.h"

#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Plan/Turns.h"
#include "aac/Transforms/ParamValues.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace aac {

using namespace ir;

/// Bytes of a 16x16 block of codes.
static constexpr int64_t kBlockBytes = kLanes * kLanes;

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

isa::Instruction &TaskLowering::emit(isa::Opcode opcode, Operation *source) {
  program.push_back({isa::Instruction(opcode), source});
  return program.back().instruction;
}

void TaskLowering::loadData(Operation *source, int memory, int64_t row, int64_t rows,
                            uint64_t address, int64_t loopStride, int64_t chunks,
                            int64_t addressStride, int64_t rowStride) {
  emit(Op::LoadData, source)
      .set(F::Memory, memory)
      .set(F::Row, row)
      .set(F::Rows, rows)
      .set(F::Address, address)
      .set(F::Chunks, chunks)
      .set(F::AddressStride, chunks > 1 ? addressStride : 0)
      .set(F::RowStride, chunks > 1 ? rowStride : 0)
      .set(F::LoopStride, loopStride);
  for (int64_t c = 0; c < chunks; ++c)
    std::fill_n(state.lanes[memory].begin() + row + c * rowStride, rows, -1);
}

void TaskLowering::storeData(Operation *source, int memory, int64_t row, int64_t rows,
                             uint64_t address, int64_t chunks, int64_t addressStride,
                             int64_t rowStride) {
  emit(Op::StoreData, source)
      .set(F::Memory, memory)
      .set(F::Row, row)
      .set(F::Rows, rows)
      .set(F::Address, address)
      .set(F::Chunks, chunks)
      .set(F::AddressStride, chunks > 1 ? addressStride : 0)
      .set(F::RowStride, chunks > 1 ? rowStride : 0)
      .set(F::LoopStride, 0);
}

void TaskLowering::loadMask(Operation *source, int memory, int64_t word, int64_t words,
                            uint64_t address, int64_t loopStride) {
  emit(Op::LoadMask, source)
      .set(F::Memory, memory)
      .set(F::Row, word)
      .set(F::Words, words)
      .set(F::Address, address)
      .set(F::Chunks, 1)
      .set(F::LoopStride, loopStride);
  std::fill_n(state.ones[memory].begin() + word, words, false);
}

void TaskLowering::ensureOnes(Operation *source, int memory, int64_t word, int64_t words) {
  std::vector<bool> &ones = state.ones[memory];
  int64_t begin = word, end = word + words;
  while (begin < end && ones[begin])
    ++begin;
  while (end > begin && ones[end - 1])
    --end;
  StoredOp constant = storedOf(task, "aac.ones");
  int64_t most = static_cast<int64_t>(constant.getStride()) / 2;
  while (begin < end) {
    int64_t chunk = std::min(most, end - begin), chunks = (end - begin) / chunk;
    emit(Op::LoadMask, source)
        .set(F::Memory, memory)
        .set(F::Row, begin)
        .set(F::Words, chunk)
        .set(F::Address, addressOf(constant))
        .set(F::Chunks, chunks)
        .set(F::RowStride, chunks > 1 ? chunk : 0);
    std::fill_n(ones.begin() + begin, chunk * chunks, true);
    begin += chunk * chunks;
  }
}

void TaskLowering::ensureLanes(LinearOp op, int memory, int64_t row, int64_t blocks,
                               int64_t stride) {
  StoredOp constant = storedOf(op, "aac.lanes");
  constexpr AdaptivFloatFormat format{8, 3};
  int64_t exponent = *storedOf(op, "aac.weights").getBiasExponent();
  int16_t code = static_cast<int16_t>(
      encodeAdaptivFloat(format, formatOf(op.getInput(), symbols).getMinExponent(),
                         std::ldexp(1.0, static_cast<int>(exponent))));
  std::vector<int16_t> &lanes = state.lanes[memory];
  bool known = true;
  for (int64_t b = 0; b < blocks; ++b)
    for (int64_t r = 0; r < kLanes; ++r)
      known &= lanes[row + b * stride + r] == code;
  if (known)
    return;
  loadData(op, memory, row, kLanes, addressOf(constant), 0, blocks, 0, stride);
  for (int64_t b = 0; b < blocks; ++b)
    std::fill_n(lanes.begin() + row + b * stride, kLanes, code);
}

void TaskLowering::wroteDense(int memory, int64_t base, int64_t vectors) {
  std::fill_n(state.ones[memory].begin() + base, vectors, true);
  std::fill_n(state.lanes[memory].begin() + base, vectors, -1);
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

StoredOp TaskLowering::storedOf(Operation *op, StringRef attribute) {
  return symbols.lookup<StoredOp>(op->getAttrOfType<FlatSymbolRefAttr>(attribute).getValue());
}

FailureOr<uint64_t> TaskLowering::addressOf(Value value, Operation *reader) {
  BufferAttr buffer = bufferOf(value);
  if (!buffer)
    return reader->emitError(
        "reads or writes a value that has no place in memory; run aac-place, or "
        "this combination of operations cannot run on the engine");
  return buffer.getAddress();
}

FailureOr<int64_t> TaskLowering::inputNumber(Value ids, Operation *reader) {
  auto argument = dyn_cast<BlockArgument>(ids);
  if (!argument || argument.getOwner()->getParentOp() != task)
    return reader->emitError("must read an input of the task; only ids may be constant");
  return argument.getArgNumber();
}

FailureOr<int64_t> TaskLowering::shiftFor(Operation *op, AdaptivFloatAttr out, AdaptivFloatAttr a,
                                          AdaptivFloatAttr b, int64_t extraExponent) {
  if (!out || !a || !b)
    return op->emitError(
        "has an operand or result without a number format; run aac-quantise first");
  // acc is in units of 2^(minA - 4 + minB - 4); the shifted value in 2^(scale - fraction).
  int64_t shift = out.getScale() - engine.accumulatorFractionBits - (a.getMinExponent() - 4) -
                  (b.getMinExponent() - 4) - extraExponent;
  if (shift < 0 || shift > 31)
    return op->emitError() << "needs an accumulator shift of " << shift
                           << ", the engine's register holds 0 to 31 (input " << a << ", weight "
                           << b << ", result " << out << ")";
  return shift;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult TaskLowering::lower(EmbeddingOp op) {
  AdaptivFloatAttr format = formatOf(op);
  if (!format)
    return op.emitError("has no number format; run aac-quantise first");
  int64_t columns = layout[op.getResult()].features, tokens = tokensOf(op.getResult());
  auto tables = op->getAttrOfType<ArrayAttr>("aac.tables");
  auto constants = op->getAttrOfType<ArrayAttr>("aac.ids");
  size_t nextConstant = 0;
  for (auto [number, ids] : llvm::enumerate(op.getIds())) {
    auto table = symbols.lookup<StoredOp>(cast<FlatSymbolRefAttr>(tables[number]).getValue());
    ArrayRef<int64_t> dataOffset = *table.getDataOffsets(), index = *table.getMaskOffsets();
    isa::Instruction &gather = emit(Op::HostGather, op);
    gather.set(F::Table, addressOf(table) + dataOffset[0])
        .set(F::Sparse, index[0] >= 0)
        .set(F::Offsets, index[0] >= 0 ? addressOf(table) + index[0] : 0)
        .set(F::TableRows, cast<RankedTensorType>(op.getTables()[number].getType()).getDimSize(0))
        .set(F::Columns, columns)
        .set(F::Timesteps, tokens)
        .set(F::Bias, formatOf(table).getBias())
        .set(F::Scale, formatOf(table).getScale())
        .set(F::Accumulate, number > 0);
    if (ids.getDefiningOp<ConstantIdsOp>()) {
      auto stored =
          symbols.lookup<StoredOp>(cast<FlatSymbolRefAttr>(constants[nextConstant++]).getValue());
      gather.set(F::Source, 1).set(F::Indices, addressOf(stored));
      continue;
    }
    FailureOr<int64_t> input = inputNumber(ids, op);
    if (failed(input))
      return failure();
    gather.set(F::Source, 0).set(F::Input, *input);
  }
  FailureOr<uint64_t> address = addressOf(op.getResult(), op);
  if (failed(address))
    return failure();
  emit(Op::HostEmit, op)
      .set(F::OutAddress, *address)
      .set(F::Timesteps, tokens)
      .set(F::Columns, columns)
      .set(F::Bias, format.getBias())
      .set(F::Scale, format.getScale());
  return success();
}

LogicalResult TaskLowering::lower(MaskOp op) {
  if (cast<RankedTensorType>(op.getMask().getType()).getElementType().isF32())
    return op.emitError("its input is f32; the host makes the engine's span of a mask of integers "
                        "or booleans: export it as such");
  // The engine leaves masked keys out; that is what the sum says only if the constant
  // drives their exponentials to zero.
  constexpr float kSwitchesOff = -1000;
  float constant = op.getConstant().convertToFloat();
  if (!(constant <= kSwitchesOff))
    return op.emitError() << "adds " << constant
                          << " to masked scores, which does not switch them off (at most "
                          << kSwitchesOff << "); the engine only knows keys that count or do not";
  FailureOr<int64_t> input = inputNumber(op.getMask(), op);
  FailureOr<uint64_t> address = addressOf(op.getResult(), op);
  if (failed(input) || failed(address))
    return failure();
  int64_t keys = cast<RankedTensorType>(op.getResult().getType()).getShape().back();
  emit(Op::HostMask, op)
      .set(F::Input, *input)
      .set(F::OutAddress, *address)
      .set(F::Timesteps, keys)
      .set(F::Vectors, roundUp(keys, kLanes) / kLanes)
      .set(F::Bias, 7)
      .set(F::Inverted, op.marksPadding());
  return success();
}

LogicalResult TaskLowering::lower(SoftmaxOp op) {
  if (isAttentionSoftmax(op))
    return success(); // with its context
  AdaptivFloatAttr in = formatOf(op.getScores(), symbols), out = formatOf(op);
  if (!in || !out || in.getScale() != 0 || out.getScale() != 0)
    return op.emitError("its input and result must have formats of scale 0; run aac-quantise "
                        "first");
  FeatureLayout width = layout[op.getResult()];
  const int64_t vectors = width.vectors(), tokens = tokensOf(op.getResult());
  const int64_t most = std::min(engine.maxTimesteps, engine.dataRows / vectors) / kLanes * kLanes;
  if (op.getMask() || vectors > engine.maxVectors || vectors > engine.auxRows || most == 0)
    return op.emitError() << "a softmax over " << width.features << " features that is no "
                          << "attention's cannot run on the engine";
  FailureOr<uint64_t> input = addressOf(op.getScores(), op), output = addressOf(op.getResult(), op);
  if (failed(input) || failed(output))
    return failure();
  emit(Op::LoadAux, op)
      .set(F::Row, 0)
      .set(F::Rows, vectors)
      .set(F::Address, addressOf(storedOf(op, "aac.span")));
  for (int64_t first = 0, number = 0; first < tokens; first += most, ++number) {
    int64_t count = std::min(most, tokens - first), memory = number % 2;
    int64_t rows = roundUp(count, kLanes) * vectors;
    uint64_t offset = first / kLanes * vectors * kBlockBytes;
    ensureOnes(op, memory, 0, rows);
    loadData(op, memory, 0, rows, *input + offset);
    emit(Op::Softmax, op)
        .set(F::Memory, memory)
        .set(F::InBase, 0)
        .set(F::OutBase, 0)
        .set(F::Vectors, vectors)
        .set(F::Timesteps, count)
        .set(F::InBias, in.getBias())
        .set(F::OutBias, out.getBias())
        .set(F::SpanBase, 0)
        .set(F::SpanBias, 7)
        .set(F::PadLanes, width.padLanes());
    std::fill_n(state.lanes[memory].begin(), rows, -1);
    storeData(op, memory, 0, rows, *output + offset);
  }
  return success();
}

LogicalResult TaskLowering::lower(LinearOp op) {
  Value result = resultOf(op);
  bool relu = result != op.getResult(), transposed = isWrittenTransposed(result);
  StoredOp weights = storedOf(op, "aac.weights");
  auto tile = op->getAttrOfType<TileAttr>("aac.tile");
  FailureOr<uint64_t> input = addressOf(op.getInput(), op), output = addressOf(result, op);
  AdaptivFloatAttr format = formatOf(result, symbols);
  FailureOr<int64_t> shift =
      shiftFor(op, format, formatOf(op.getInput(), symbols), formatOf(weights));
  if (!tile)
    return op.emitError("has no tile; run aac-tile first");
  if (failed(input) || failed(output) || failed(shift))
    return failure();

  const int64_t rowVectors = *weights.getRowVectors(), tileRows = *weights.getTileRows();
  const int64_t inputVectors = layout[op.getInput()].vectors();
  const int64_t features = layout[result].padded(), featureBlocks = features / kLanes;
  const int64_t tokens = roundUp(tokensOf(op.getInput()), kLanes), tokenBlocks = tokens / kLanes;
  const bool hasBias = weights.getBiasExponent().has_value();
  const bool dense = weights.getMaskOffsets()->front() < 0;
  const int64_t held = tile.getTokens(), loopStride = loopStrideOf(weights);
  // Memory of the input (and of the results), memory of the weights.
  const int inputMemory = transposed ? 0 : 1, weightMemory = 1 - inputMemory;
  const int64_t outVectors = held * tileRows / kLanes;
  const int64_t outBuffers =
      std::min<int64_t>(2, (engine.dataRows - held * rowVectors) / outVectors);
  int64_t commands = 0;

  ArrayRef<int64_t> dataOffsets = *weights.getDataOffsets(), dataRows = *weights.getDataRows(),
                    maskOffsets = *weights.getMaskOffsets();
  const int64_t tiles = dataOffsets.size();

  // Contents come to both memories in turns (Plan/Turns.h): weights with masks and data apart,
  // inputs, of which only single blocks can be loaded in parts, together with their masks.
  plan::Turns weightMasks, weightData, inputTurns;
  if (tiles > 1) {
    weightMasks = plan::Turns(tileRows * rowVectors, engine.maskWords);
    weightData = plan::Turns(*llvm::max_element(dataRows), engine.dataRows);
  }
  const int64_t inputRows = held * rowVectors;
  if (tokens > held) {
    int64_t capacity = std::min(engine.dataRows, engine.maskWords) - outBuffers * outVectors;
    plan::Turns turns(inputRows, capacity);
    if (held == kLanes || turns.isWhole(inputRows))
      inputTurns = turns;
  }
  const int64_t results = inputTurns.end(inputRows);

  auto loadInput = [&](int64_t first, int64_t count) {
    int64_t blocks = count / kLanes, rows = inputVectors * kLanes;
    plan::Place place = inputTurns.next(count * rowVectors);
    uint64_t from = *input + first / kLanes * inputVectors * kBlockBytes;
    auto lanes = [&](bool now) {
      if (now && hasBias)
        ensureLanes(op, inputMemory, place.base + rows, blocks, rowVectors * kLanes);
    };
    ensureOnes(op, inputMemory, place.base, count * rowVectors);
    if (place.rest.count() == 0 || blocks > 1) {
      lanes(true);
      loadData(op, inputMemory, place.base, rows, from, 0, blocks, inputVectors * kBlockBytes,
               rowVectors * kLanes);
      return place.base;
    }
    for (plan::Rows part : {place.free, place.rest}) {
      lanes(part.begin < part.end && part.end > rows);
      part.end = std::min(part.end, rows);
      if (part.count() > 0)
        loadData(op, inputMemory, place.base + part.begin, part.count(),
                 from + part.begin * kLanes);
    }
    return place.base;
  };

  struct Weights {
    int64_t index, base, offset; // of the tile, its masks, and from these to its data
  } loaded{-1, 0, 0};
  auto loadWeights = [&](int64_t index) {
    if (loaded.index == index)
      return; // the only tile
    int64_t vectors = std::min(tileRows, features - index * tileRows) * rowVectors;
    plan::Place masks = weightMasks.next(vectors), data = weightData.next(dataRows[index]);
    auto load = [&](plan::Rows words, plan::Rows rows) {
      if (!dense && words.count() > 0)
        loadMask(op, weightMemory, masks.base + words.begin, words.count(),
                 addressOf(weights) + maskOffsets[index] + 2 * words.begin, loopStride);
      if (rows.count() > 0)
        loadData(op, weightMemory, data.base + rows.begin, rows.count(),
                 addressOf(weights) + dataOffsets[index] + rows.begin * kLanes, loopStride);
    };
    if (dense)
      ensureOnes(op, weightMemory, masks.base, vectors);
    load(masks.free, data.free);
    load(masks.rest, data.rest);
    loaded = {index, masks.base, operandRow(masks.base, data.base, engine.dataRows)};
  };
  auto compute = [&](int64_t first, int64_t count, int64_t inputBase) {
    int64_t index = loaded.index, rows = std::min(tileRows, features - index * tileRows);
    int64_t outBase = results + commands++ % outBuffers * outVectors;
    emit(Op::MatMul, op)
        .set(F::N0, transposed ? count : rows)
        .set(F::N1, transposed ? rows : count)
        .set(F::M, rowVectors * kLanes)
        .set(F::Relu, relu)
        .set(F::Shift, *shift)
        .set(F::OutBias, format.getBias())
        .set(F::Base0, transposed ? inputBase : loaded.base)
        .set(F::Base1, transposed ? loaded.base : inputBase)
        .set(transposed ? F::DataOffset1 : F::DataOffset0, loaded.offset)
        .set(F::OutMemory, inputMemory)
        .set(F::OutBase, outBase);
    if (!dense)
      program.back().operandRows[weightMemory] = dataRows[index];
    wroteDense(inputMemory, outBase, count * rows / kLanes);
    int64_t featureBlock = index * tileRows / kLanes, tokenBlock = first / kLanes;
    if (transposed)
      storeData(op, inputMemory, outBase, count,
                *output + (featureBlock * tokenBlocks + tokenBlock) * kBlockBytes, rows / kLanes,
                tokenBlocks * kBlockBytes, count);
    else
      storeData(op, inputMemory, outBase, rows,
                *output + (tokenBlock * featureBlocks + featureBlock) * kBlockBytes, count / kLanes,
                featureBlocks * kBlockBytes, rows);
  };

  // A host function that follows is applied to tokens as soon as they are there, block by
  // block, so that what comes next can begin with the first.
  ActivationFnOp function;
  if (result.hasOneUse() && !transposed && tile.getOrder() == "input")
    function = dyn_cast<ActivationFnOp>(*result.getUsers().begin());
  if (function && function->getBlock() != op->getBlock())
    function = nullptr; // applied in every repetition
  FailureOr<uint64_t> functionOut = function ? addressOf(function.getResult(), function) : 0;
  if (failed(functionOut))
    return failure();

  if (tile.getOrder() == "input") {
    for (int64_t first = 0; first < tokens; first += held) {
      int64_t count = std::min(held, tokens - first);
      int64_t inputBase = loadInput(first, count);
      for (int64_t index = 0; index < tiles; ++index) {
        loadWeights(index);
        compute(first, count, inputBase);
      }
      for (int64_t token = first; function && token < first + count; token += kLanes) {
        int64_t offset = token * features;
        emit(Op::HostTable, function)
            .set(F::Address, *output + offset)
            .set(F::OutAddress, *functionOut + offset)
            .set(F::Bytes, kLanes * features)
            .set(F::Table, addressOf(storedOf(function, "aac.table")));
        done.insert(function);
      }
    }
    return success();
  }
  for (int64_t index = 0; index < tiles; ++index) {
    loadWeights(index);
    for (int64_t first = 0; first < tokens; first += held) {
      int64_t count = std::min(held, tokens - first);
      compute(first, count, loadInput(first, count));
    }
  }
  return success();
}

LogicalResult TaskLowering::lower(ActivationFnOp op) {
  if (isFusedRelu(op) || done.contains(op))
    return success();
  FailureOr<uint64_t> in = addressOf(op.getInput(), op), out = addressOf(op.getResult(), op);
  if (failed(in) || failed(out))
    return failure();
  emit(Op::HostTable, op)
      .set(F::Address, *in)
      .set(F::OutAddress, *out)
      .set(F::Bytes, bufferBytes(op.getResult(), layout))
      .set(F::Table, addressOf(storedOf(op, "aac.table")));
  return success();
}

LogicalResult TaskLowering::lowerNorm(LayerNormOp op, int memory, int64_t base, int64_t tokens,
                                      bool loadParameters) {
  StoredOp stored = storedOf(op, "aac.vectors");
  FeatureLayout width = layout[op.getResult()];
  // The span row comes first in auxiliary memory, then gamma and beta.
  int64_t gammaRow = roundUp(tokensOf(op.getResult()), kLanes) / kLanes;
  int64_t betaRow = gammaRow + width.vectors();
  if (betaRow + width.vectors() > engine.auxRows)
    return op.emitError() << "gamma, beta and the attention span need " << betaRow + width.vectors()
                          << " rows of auxiliary memory, the engine has " << engine.auxRows;
  AdaptivFloatAttr in = formatOf(op.getInput(), symbols), out = formatOf(op);
  auto use = [&](Value value) { return formatOf(paramsBehind(value, symbols).front()); };
  AdaptivFloatAttr gamma = use(op.getGamma()), beta = use(op.getBeta());
  if (!in || !out || !gamma || !beta)
    return op.emitError("has no number format; run aac-quantise first");

  // One least significant bit of the engine's variance, in the layer's own units.
  double epsilon = op.getEpsilon().convertToFloat();
  double lsb = std::ldexp(1.0, 2 * in.getScale() - engine.sfuFractionBits);
  double smallest = op.getMinVariance() ? op.getMinVariance()->convertToDouble() : 0;
  if (epsilon >= lsb) {
    // Without it a row of variance v comes out larger by epsilon / 2v of itself. A quarter of the
    // least step between two codes of the result, 2^-(m + 1) with m mantissa bits, does not matter.
    double excess = epsilon / (2 * smallest);
    int mantissaBits = static_cast<int>(out.getBits() - out.getExponentBits()) - 1;
    if (!op.getMinVariance() || !(excess <= std::ldexp(1.0, -3 - mantissaBits))) {
      InFlightDiagnostic error = op.emitError();
      error << "its epsilon of " << epsilon
            << " matters at the layer's scale (the engine's variance guard is " << lsb << ", ";
      if (op.getMinVariance())
        error << "the smallest variance seen " << smallest << "); the engine has no epsilon of "
              << "its own: if real sentences vary more, calibrate with them";
      else
        error << "no variance was measured); the engine has no epsilon of its own: calibrate, "
              << "that shows if rows vary enough";
      return error;
    }
    op.emitRemark() << "its epsilon of " << epsilon << " is left out: the row of the smallest "
                    << "variance seen, " << smallest << ", comes out " << 100 * excess
                    << "% larger";
  }
  if (loadParameters)
    emit(Op::LoadAux, op)
        .set(F::Row, gammaRow)
        .set(F::Rows, 2 * width.vectors())
        .set(F::Address, addressOf(stored))
        .set(F::LoopStride, loopStrideOf(stored));
  emit(Op::LayerNorm, op)
      .set(F::Memory, memory)
      .set(F::InBase, base)
      .set(F::OutBase, base)
      .set(F::Vectors, width.vectors())
      .set(F::Timesteps, tokens)
      .set(F::InBias, in.getBias())
      .set(F::OutBias, out.getBias())
      .set(F::GammaBase, gammaRow)
      .set(F::BetaBase, betaRow)
      .set(F::GammaBias, gamma.getBias())
      .set(F::BetaBias, beta.getBias())
      .set(F::PadLanes, width.padLanes());
  return success();
}

LogicalResult TaskLowering::lowerChain(Operation *last) {
  SmallVector<Operation *> chain = engineChain(last);
  Value result = last->getResult(0);
  int64_t vectors = layout[result].vectors(), tokens = tokensOf(result);
  // The running value and the other operand of an add.
  int64_t regions = llvm::any_of(chain, [](Operation *op) { return llvm::isa<AddOp>(op); }) ? 2 : 1;
  int64_t most =
      std::min(engine.maxTimesteps, engine.dataRows / (regions * vectors)) / kLanes * kLanes;
  if (vectors > engine.maxVectors || most == 0)
    return last->emitError() << "rows of " << vectors << " vectors do not fit the engine's special "
                             << "function unit (" << engine.maxVectors << " vectors, "
                             << engine.dataRows << " rows of data memory)";
  FailureOr<uint64_t> output = addressOf(result, last);
  if (failed(output))
    return failure();
  int64_t norms = llvm::count_if(chain, [](Operation *op) { return llvm::isa<LayerNormOp>(op); });

  // Tiles alternate between the two data memories.
  for (int64_t first = 0, number = 0; first < tokens; first += most, ++number) {
    int64_t count = std::min(most, tokens - first), blocks = roundUp(count, kLanes) / kLanes;
    int64_t rows = blocks * kLanes * vectors, other = roundUp(most, kLanes) * vectors;
    uint64_t offset = static_cast<uint64_t>(first / kLanes * vectors * kBlockBytes);
    int memory = number % 2;
    auto fetch = [&](Operation *op, Value value, int64_t row) -> LogicalResult {
      FailureOr<uint64_t> address = addressOf(value, op);
      if (failed(address))
        return failure();
      ensureOnes(op, memory, row, rows);
      loadData(op, memory, row, rows, *address + offset);
      return success();
    };
    Value running;
    for (Operation *op : chain) {
      if (auto norm = dyn_cast<LayerNormOp>(op)) {
        if (!running && failed(fetch(op, norm.getInput(), 0)))
          return failure();
        if (failed(lowerNorm(norm, memory, 0, count, number == 0 || norms > 1)))
          return failure();
      } else {
        auto add = cast<AddOp>(op);
        Value kept = running ? running : add.getLhs();
        Value added = add.getLhs() == kept ? add.getRhs() : add.getLhs();
        if (!running && failed(fetch(op, kept, 0)))
          return failure();
        if (failed(fetch(op, added, other)))
          return failure();
        AdaptivFloatAttr a = formatOf(kept, symbols), b = formatOf(added, symbols),
                         out = formatOf(add);
        if (!a || !b || !out || a.getScale() != b.getScale() || a.getScale() != out.getScale())
          return add.emitError("operands and result must have formats of one scale; run "
                               "aac-quantise first");
        emit(Op::ElementAdd, op)
            .set(F::Memory, memory)
            .set(F::InBase, 0)
            .set(F::InBase1, other)
            .set(F::OutBase, 0)
            .set(F::Vectors, vectors)
            .set(F::Timesteps, count)
            .set(F::InBias, a.getBias())
            .set(F::InBias1, b.getBias())
            .set(F::OutBias, out.getBias());
      }
      std::fill_n(state.lanes[memory].begin(), rows, -1);
      running = op->getResult(0);
    }
    storeData(last, memory, 0, rows, *output + offset);
  }
  return success();
}

LogicalResult TaskLowering::lower(LoopOp op) {
  auto copy = [&](Value from, Value to, Operation *source) -> LogicalResult {
    FailureOr<uint64_t> in = addressOf(from, op), out = addressOf(to, op);
    if (failed(in) || failed(out))
      return failure();
    if (*in != *out)
      emit(Op::HostCopy, source)
          .set(F::Address, *in)
          .set(F::OutAddress, *out)
          .set(F::Bytes, bufferBytes(to, layout));
    return success();
  };
  if (op->getParentOfType<LoopOp>())
    return op.emitError("is inside another loop; the engine's loops do not nest");
  Block &body = op.getBody().front();
  for (auto [number, next] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (llvm::is_contained(body.getArguments(), next) && next != body.getArgument(number))
      return body.getTerminator()->emitError()
             << "value " << number << " is another argument of the loop; values that change "
             << "places cannot be copied one after the other";
  for (auto [init, argument] : llvm::zip_equal(op.getInits(), body.getArguments()))
    if (failed(copy(init, argument, op)))
      return failure();
  emit(Op::Loop, op).set(F::Count, op.getCount());
  // What a later repetition finds is what the last one left, not what came before the loop.
  state.reset(engine);
  if (failed(lowerBlock(body)))
    return failure();
  for (auto [next, argument] :
       llvm::zip_equal(body.getTerminator()->getOperands(), body.getArguments()))
    if (failed(copy(next, argument, body.getTerminator())))
      return failure();
  emit(Op::End, op);
  state.reset(engine);
  return success();
}

LogicalResult TaskLowering::lower(ReturnOp op) {
  for (auto [index, output] : llvm::enumerate(op.getOutputs())) {
    auto squeeze = output.getDefiningOp<SqueezeOp>();
    Value value = squeeze ? squeeze.getInput() : output;
    AdaptivFloatAttr format = formatOf(value, symbols);
    FailureOr<uint64_t> address = addressOf(value, op);
    if (failed(address))
      return failure();
    if (!format)
      return op.emitError() << "output " << index
                            << " has no number format; run aac-quantise first";
    emit(Op::HostOutput, op)
        .set(F::Output, index)
        .set(F::Address, *address)
        .set(F::Timesteps, tokensOf(value))
        .set(F::Columns, layout[value].features)
        .set(F::Bias, format.getBias())
        .set(F::Scale, format.getScale());
    program.back().named = value.getDefiningOp();
  }
  return success();
}

LogicalResult TaskLowering::lowerBlock(Block &block) {
  for (Operation &op : block) {
    for (Value result : op.getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType());
          type && !llvm::isa<UseOp, UseEachOp, ConstantIdsOp>(op) && type.getRank() > 1 &&
          type.getDimSize(0) != 1)
        return op.emitError() << "has a batch of " << type.getDimSize(0)
                              << "; the engine runs one sentence at a time";
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case<EmbeddingOp, MaskOp, LinearOp, SoftmaxOp, ContextOp, ActivationFnOp, LoopOp,
                  ReturnOp>([&](auto typed) { return lower(typed); })
            .Case<AddOp, LayerNormOp>([&](Operation *typed) {
              return isMaterialised(typed->getResult(0)) ? lowerChain(typed) : success();
            })
            .Case<SelectOp>([&](SelectOp select) -> LogicalResult {
              if (select.getIndex() % kLanes != 0)
                return select.emitError()
                       << "token " << select.getIndex() << " is not the first of a block of 16";
              return success();
            })
            .Case<SqueezeOp>([](SqueezeOp squeeze) -> LogicalResult {
              if (!llvm::all_of(squeeze->getUsers(), llvm::IsaPred<ReturnOp>))
                return squeeze.emitError("is no output of the task; only outputs are squeezed");
              return success();
            })
            .Case<UseOp, UseEachOp, ConstantIdsOp, YieldOp, ScoresOp>(
                [](Operation *) { return success(); })
            .Default([](Operation *other) -> LogicalResult {
              return other->emitError("cannot be lowered to commands");
            });
    if (failed(result))
      return failure();
  }
  return success();
}

LogicalResult TaskLowering::run() {
  if (!task->hasAttr("aac.ones"))
    return task.emitError("has no stored constants; run aac-encode first");
  emit(Op::TaskBegin, task).set(F::Task, number);
  if (failed(lowerBlock(task.getBody().front())))
    return failure();
  emit(Op::TaskEnd, task).set(F::Task, number);
  return success();
}

} // namespace aac
