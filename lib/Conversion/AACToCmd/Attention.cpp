//===- Attention.cpp - attention, head by head ----------------------------===//
//
// Per head and block of queries: scores = Q K^T (keys in memory 0, queries in memory 1,
// so that rows are queries and vectors run along keys), softmax in place, context =
// P V with V kept transposed in memory 0. Nothing leaves the engine between the three.
//
//===----------------------------------------------------------------------===//
#include "TaskLowering.h"
#include "aac/Transforms/ParamValues.h"
#include <cmath>

using namespace mlir;

namespace aac {

using namespace ir;

LogicalResult TaskLowering::lower(ContextOp op) {
  auto softmax = op.getProbabilities().getDefiningOp<SoftmaxOp>();
  auto scores = softmax ? softmax.getScores().getDefiningOp<ScoresOp>() : ScoresOp();
  if (!scores || !softmax->hasOneUse() || !scores->hasOneUse())
    return op.emitError(
        "its probabilities must come from a softmax of scores that nothing else reads");

  constexpr int64_t blockBytes = kLanes * kLanes;
  const int64_t heads = scores.getHeads();
  const int64_t tokens = tokensOf(op.getResult()), keys = tokensOf(scores.getKey());
  const int64_t paddedTokens = roundUp(tokens, kLanes), paddedKeys = roundUp(keys, kLanes);
  const int64_t keyVectors = paddedKeys / kLanes;
  const int64_t features = layout[op.getResult()].padded(), featureBlocks = features / kLanes;
  const int64_t width = features / heads, widthVectors = width / kLanes;

  AdaptivFloatAttr q = formatOf(scores.getQuery(), symbols), k = formatOf(scores.getKey(), symbols),
                   v = formatOf(op.getValue(), symbols), s = formatOf(scores),
                   p = formatOf(softmax), c = formatOf(op);
  float scale = scores.getScale().convertToFloat();
  int exponent = 0;
  if (std::frexp(scale, &exponent) != 0.5f)
    return scores.emitError() << "its scale " << scale
                              << " is no power of two; run aac-fold-scales first";
  if (s && p && (s.getScale() != 0 || p.getScale() != 0))
    return softmax.emitError("scores and probabilities must have scale 0; run aac-quantise first");
  FailureOr<int64_t> scoresShift = shiftFor(scores, s, q, k, exponent - 1);
  FailureOr<int64_t> contextShift = shiftFor(op, c, p, v);
  FailureOr<uint64_t> query = addressOf(scores.getQuery(), scores),
                      key = addressOf(scores.getKey(), scores),
                      value = addressOf(op.getValue(), op), output = addressOf(op.getResult(), op);
  if (failed(scoresShift) || failed(contextShift) || failed(query) || failed(key) ||
      failed(value) || failed(output))
    return failure();

  if (!isWrittenTransposed(op.getValue())) {
    auto buffer = op->getAttrOfType<BufferAttr>("aac.transposed");
    if (!buffer)
      return op.emitError("has no place for its transposed value; run aac-place first");
    emit(Op::HostTranspose, op)
        .set(F::Address, *value)
        .set(F::OutAddress, buffer.getAddress())
        .set(F::Timesteps, paddedKeys)
        .set(F::Columns, features);
    value = buffer.getAddress();
  }

  // The span row: from the host's mask or, without one, a constant.
  FailureOr<uint64_t> span;
  Value mask = softmax.getMask();
  if (mask && !mask.getDefiningOp<MaskOp>())
    return softmax.emitError("its mask is an f32 input of the task; the host makes the engine's "
                             "span of a mask of integers or booleans");
  if (mask)
    span = addressOf(mask, softmax);
  else
    span = addressOf(storedOf(softmax, "aac.span"));
  if (failed(span))
    return failure();
  emit(Op::LoadAux, softmax).set(F::Row, 0).set(F::Rows, keyVectors).set(F::Address, *span);

  // Memory 0: K and transposed V of a head. Memory 1: Q, probabilities, context of a
  // block of queries. Two of each where they fit.
  const int64_t operand = paddedKeys * widthVectors, perQuery = 2 * widthVectors + keyVectors;
  int64_t buffers = 2, block = 0;
  for (; buffers > 0; --buffers) {
    block = std::min({paddedTokens, engine.maxTimesteps / kLanes * kLanes,
                      engine.dataRows / buffers / perQuery / kLanes * kLanes});
    if (block > 0 && 2 * operand * buffers <= engine.dataRows)
      break;
  }
  if (buffers == 0 || std::max(paddedKeys, width) > engine.maxN || keyVectors > engine.maxVectors)
    return op.emitError() << keys << " keys of heads of width " << width
                          << " do not fit the engine's memories (" << engine.dataRows << " rows)";

  int64_t number = 0;
  for (int64_t head = 0; head < heads; ++head) {
    int64_t keyBase = head % buffers * 2 * operand, valueBase = keyBase + operand;
    ensureOnes(op, 0, keyBase, 2 * operand);
    loadData(scores, 0, keyBase, widthVectors * kLanes, *key + head * widthVectors * blockBytes, 0,
             paddedKeys / kLanes, featureBlocks * blockBytes, widthVectors * kLanes);
    loadData(op, 0, valueBase, operand, *value + head * operand * kLanes);
    for (int64_t first = 0; first < paddedTokens; first += block, ++number) {
      int64_t count = std::min(block, paddedTokens - first), blocks = count / kLanes;
      int64_t queryBase = number % buffers * block * perQuery;
      int64_t scoreBase = queryBase + count * widthVectors;
      int64_t contextBase = scoreBase + count * keyVectors;
      uint64_t offset = (first / kLanes * featureBlocks + head * widthVectors) * blockBytes;
      ensureOnes(scores, 1, queryBase, count * widthVectors);
      loadData(scores, 1, queryBase, widthVectors * kLanes, *query + offset, 0, blocks,
               featureBlocks * blockBytes, widthVectors * kLanes);
      emit(Op::MatMul, scores)
          .set(F::N0, paddedKeys)
          .set(F::N1, count)
          .set(F::M, width)
          .set(F::Shift, *scoresShift)
          .set(F::OutBias, s.getBias())
          .set(F::Base0, keyBase)
          .set(F::Base1, queryBase)
          .set(F::OutMemory, 1)
          .set(F::OutBase, scoreBase);
      wroteDense(1, scoreBase, count * keyVectors);
      emit(Op::Softmax, softmax)
          .set(F::Memory, 1)
          .set(F::InBase, scoreBase)
          .set(F::OutBase, scoreBase)
          .set(F::Vectors, keyVectors)
          .set(F::Timesteps, std::min(count, tokens - first))
          .set(F::InBias, s.getBias())
          .set(F::OutBias, p.getBias())
          .set(F::SpanBase, 0)
          .set(F::SpanBias, 7)
          .set(F::PadLanes, paddedKeys - keys);
      emit(Op::MatMul, op)
          .set(F::N0, width)
          .set(F::N1, count)
          .set(F::M, paddedKeys)
          .set(F::Shift, *contextShift)
          .set(F::OutBias, c.getBias())
          .set(F::Base0, valueBase)
          .set(F::Base1, scoreBase)
          .set(F::OutMemory, 1)
          .set(F::OutBase, contextBase);
      wroteDense(1, contextBase, count * widthVectors);
      storeData(op, 1, contextBase, widthVectors * kLanes, *output + offset, blocks,
                featureBlocks * blockBytes, widthVectors * kLanes);
    }
  }
  return success();
}

} // namespace aac
